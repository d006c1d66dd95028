package hubspotsim

import "net/http"

// groupReply is a group of properties in an answer.
type groupReply struct {
	Group

	DisplayOrder int  `json:"displayOrder"`
	Archived     bool `json:"archived"`
}

func (g Group) reply() groupReply { return groupReply{Group: g, DisplayOrder: -1} }

func (s *Sim) listGroups(*call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := []groupReply{}
	for _, g := range s.schema.sortedGroups() {
		results = append(results, g.reply())
	}
	return success(collection{Results: results})
}

func (s *Sim) getGroup(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.schema.groups[c.ids[0]]
	if !ok {
		return notFound("property group '%s' does not exist", c.ids[0])
	}
	return success(g.reply())
}

func (s *Sim) createGroup(c *call) reply {
	var g Group
	if c.bad = strictJSON(c.body, &g); c.bad != nil {
		return c.badBody()
	}
	if refusal := requireFields([][2]string{{"name", g.Name}, {"label", g.Label}}); refusal != nil {
		return *refusal
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.schema.groups[g.Name]; ok {
		return alreadyExists("property group", g.Name)
	}
	s.schema.groups[g.Name] = g
	c.entry.Applied = true
	r := success(g.reply())
	r.status = http.StatusCreated
	return r
}
