package webhook

import "sync"

// mostSuspects bounds how many contacts are remembered. Forgetting them costs each
// another attempt.
const mostSuspects = 1000

// history is what earlier answers have shown: whether the webhook works, and which
// contacts were refused while it did.
type history struct {
	mu       sync.Mutex
	proven   bool            // the last answer came from a webhook that works
	refusals int             // since then, of contacts that were not known to be refused
	suspects map[string]bool // by id; true: another contact was taken since, or beside
}

func (h *history) isProven() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proven
}

// succeeded notes that the webhook works: who was refused is likely to blame itself.
func (h *history) succeeded(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proven, h.refusals = true, 0
	delete(h.suspects, id)
	for other := range h.suspects {
		h.suspects[other] = true
	}
}

// distrust has the next contacts go one by one.
func (h *history) distrust() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proven = false
}

// judge reports whether it is the webhook's fault that a batch was refused, with so
// many contacts that were not known to be refused. A single one that a working webhook
// refuses shows nothing: the next one will.
func (h *history) judge(refusals int) (webhooks bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	webhooks = !h.proven || h.refusals > 0 || refusals > 1
	h.refusals += refusals
	h.proven = h.proven && !webhooks
	return webhooks
}

// refused remembers a contact. Beside says that others were taken.
func (h *history) refused(id string, beside bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.suspects) >= mostSuspects || h.suspects == nil {
		h.suspects = map[string]bool{}
	}
	h.suspects[id] = h.suspects[id] || beside
}

// isGuilty reports whether a contact was refused before, while others were taken.
func (h *history) isGuilty(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.suspects[id]
}
