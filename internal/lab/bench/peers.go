package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/hubspotsim"
)

// peerAnswer is what the program of internal/lab/bench/peers prints: one of the two.
type peerAnswer struct {
	Milliseconds []float64 `json:"milliseconds,omitempty"`
	PerSecond    float64   `json:"per_second,omitempty"`
}

func (a peerAnswer) times() []time.Duration {
	all := make([]time.Duration, len(a.Milliseconds))
	for i, ms := range a.Milliseconds {
		all[i] = time.Duration(ms * float64(time.Millisecond))
	}
	return all
}

// peer is a case that another queue plays, on a database and with a HubSpot of
// its own; none where there is no such program.
func (m *recorder) peer(name string, record func(c *caseRound, answer peerAnswer), args ...string) []oneCase {
	if m.opt.Peers == "" {
		return nil
	}
	return []oneCase{{name, func(ctx context.Context, c *caseRound) error {
		return c.within(ctx, hubspotsim.Options{}, func(st *installation) error {
			answer, err := st.ask(ctx, args...)
			if err == nil {
				record(c, answer)
			}
			return err
		})
	}}}
}

// ask runs the peers' program.
func (st *installation) ask(ctx context.Context, args ...string) (answer peerAnswer, err error) {
	cmd := exec.CommandContext(ctx, st.opt.Peers, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"PEERS_DATABASE_URL=" + st.url, "PEERS_HUBSPOT_URL=" + st.api, "PEERS_HUBSPOT_TOKEN=" + key,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if _, err := cmd.StdinPipe(); err != nil { // it ends when we do
		return answer, err
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return answer, fmt.Errorf("%s %s: %w: %s", st.opt.Peers, strings.Join(args, " "), err, tail(errs.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return answer, fmt.Errorf("%s %s: %w", st.opt.Peers, strings.Join(args, " "), err)
	}
	return answer, nil
}

// tail is the end of a text.
func tail(text string) string {
	const most = 2000
	return strings.TrimSpace(text[max(0, len(text)-most):])
}
