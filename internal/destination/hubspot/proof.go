package hubspot

// What the client has learnt about the account from one batch to the next.

// isProven says whether the last batch was answered usably throughout, so that
// requests may go side by side.
func (c *Client) isProven() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.proven
}

// learn keeps what a batch has shown.
func (c *Client) learn(s *sending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.failure != nil:
		c.proven = false
	case s.usable:
		c.proven = true
	}
	if s.failure != nil && s.failure.kind == kindAccount {
		c.verified = "" // the key may be another one's when it works again
	}
	if s.stop != nil && s.stop.kind == kindSetup && s.stop.properties != nil {
		c.missing = s.stop.properties
	}
}
