package faults

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/scrapersky/contactsync/internal/lab/netproxy"
	"github.com/scrapersky/contactsync/internal/lab/progtest"
)

// What the leader and the server promise about a network that swallows packets.
// Asserted is each with room for a machine that is busy.
const (
	givesUpWithin  = 8 * time.Second  // the leader, while no statement is under way
	stepsDown      = 13 * time.Second // the leader, with a statement under way
	successorAfter = 25 * time.Second
	deafWithin     = 15 * time.Second
	busy           = 10 * time.Second
)

// behindProxy is an installation with a leader whose way to the database is a
// proxy, and a follower that goes there directly.
func behindProxy(t *testing.T) (in *progtest.Installation, proxy *netproxy.Proxy, leader, follower *replica) {
	t.Helper()
	in = progtest.Install(t)
	proxy = netproxy.New(t, in.Worker)
	leader = lead(in, "DATABASE_URL="+proxy.URL(), "HUBSPOT_TIMEOUT=1s")
	audit(in)
	return in, proxy, leader, follow(in, "HUBSPOT_TIMEOUT=1s")
}

func backend(t *testing.T, pid string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(pid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

// TestNetworkGoesSilent lets the network between the leader and the database
// swallow everything, on the connection that holds the slot or on all of them, in
// several moments of the heartbeat's round. The leader gives up before the server
// does, the next one leads, and nothing the first one does afterwards counts.
func TestNetworkGoesSilent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		all  bool
	}{{"the slot's connection", false}, {"all connections", true}} {
		for round := range scaled(1, 5) {
			t.Run(test.name+"/"+strconv.Itoa(round), func(t *testing.T) {
				t.Parallel()
				in, proxy, leader, follower := behindProxy(t)
				wait(in, time.Duration(round)*time.Second)
				slot, _ := leader.sessions(in)
				name := leader.name(in)
				silent := time.Now()
				if test.all {
					proxy.Freeze()
				} else {
					proxy.FreezePID(t, backend(t, slot))
				}
				gaveUp := since(t, silent, leader.Wait("lost the slot", 1)[0])
				awaitAnother(in, slot)
				led := time.Since(silent)
				awaitComplete(in, queue(in, "after"))
				t.Logf("the leader gives up after %v, the next one leads after %v", gaveUp.Round(time.Millisecond), led.Round(time.Millisecond))
				if gaveUp > givesUpWithin+busy || led > successorAfter+busy {
					t.Errorf("gave up after %v, want %v; next one after %v, want %v", gaveUp, givesUpWithin, led, successorAfter)
				}
				if led < gaveUp {
					t.Error("the next one leads before the first one gave up")
				}
				thawed := time.Now()
				proxy.Thaw()
				if test.all { // else it may be the next one itself, on another connection
					leader.Wait("waiting for a slot", 1)
					t.Logf("it follows %v after the network is back", time.Since(thawed).Round(time.Millisecond))
					if n := wrote(in, name, silent); n != 0 {
						t.Errorf("the first one wrote %d rows afterwards", n)
					}
					if n := leader.sentSince(silent); n != 0 {
						t.Errorf("the first one sent %d requests afterwards", n)
					}
				}
				oneLeader(in, leader, follower)
			})
		}
	}
}

// TestNetworkGoesSilentDuringAStatement is the same with a statement under way,
// which stretches the leader's end of the lease.
func TestNetworkGoesSilentDuringAStatement(t *testing.T) {
	t.Parallel()
	in, proxy, leader, follower := behindProxy(t)
	slot, _ := leader.sessions(in)
	email := queue(in, "before")
	awaitComplete(in, email)
	// The network goes right after a heartbeat, and the claim is sent just before
	// the next one: nothing could tell the leader later.
	const idle = `SELECT (clock_timestamp() - state_change %s)::text FROM pg_stat_activity WHERE pid = %s`
	in.Await("true", fmt.Sprintf(idle, "> interval '1 s'", slot))
	in.Await("true", fmt.Sprintf(idle, "< interval '0.2 s'", slot))
	silent := time.Now()
	proxy.FreezePID(t, backend(t, slot))
	wait(in, 4500*time.Millisecond)
	during := queue(in, "during") // the listener still hears of it
	gaveUp := since(t, silent, leader.Wait("lost the slot", 1)[0])
	awaitAnother(in, slot)
	led := time.Since(silent)
	awaitComplete(in, during)
	t.Logf("the leader gives up after %v, the next one leads after %v", gaveUp.Round(time.Millisecond), led.Round(time.Millisecond))
	if gaveUp > stepsDown+busy || led > successorAfter+busy || led < gaveUp {
		t.Errorf("gave up after %v, want %v; next one after %v, want %v", gaveUp, stepsDown, led, successorAfter)
	}
	proxy.Thaw()
	oneLeader(in, leader, follower)
}

// TestNetworkGoesSilentWithinAPipeline swallows the second of two statements that
// were sent together. The server waits for it as if a statement were under way,
// where none of its timeouts counts before PostgreSQL 17: a follower ends that
// session.
func TestNetworkGoesSilentWithinAPipeline(t *testing.T) {
	t.Parallel()
	in, proxy, leader, follower := behindProxy(t)
	slot, _ := leader.sessions(in)
	awaitComplete(in, queue(in, "before")) // prepares the statements
	in.AwaitAsleep()
	proxy.FreezeWithin(t, backend(t, slot))
	silent := time.Now()
	during := queue(in, "during")
	in.Await("active ClientRead", `SELECT concat_ws(' ', state, wait_event) FROM pg_stat_activity WHERE pid = `+slot)
	gaveUp := since(t, silent, leader.Wait("lost the slot", 1)[0])
	awaitAnother(in, slot)
	led := time.Since(silent)
	awaitComplete(in, during)
	// The first one waits for the slot again, and may be the one to end its old session.
	const told = "ended the session of a leader that went silent in the middle of a statement"
	t.Logf("the leader gives up after %v, the next one leads after %v; a candidate ended the session: %t", gaveUp.Round(time.Millisecond), led.Round(time.Millisecond),
		len(follower.Saw(told))+len(leader.Saw(told)) > 0)
	if gaveUp > stepsDown+busy || led > successorAfter+busy || led < gaveUp {
		t.Errorf("gave up after %v, want %v; next one after %v, want %v", gaveUp, stepsDown, led, successorAfter)
	}
	oneLeader(in, leader, follower)
}

// TestListenerGoesDeaf lets the network swallow everything on the listener's
// connection alone. The leader's heartbeat notices, and another connection takes
// its place; meanwhile the queue is looked at every second.
func TestListenerGoesDeaf(t *testing.T) {
	t.Parallel()
	in := progtest.Install(t)
	proxy := netproxy.New(t, in.Worker)
	leader := lead(in, "DATABASE_URL="+proxy.URL())
	for round := range scaled(1, 5) {
		wait(in, time.Duration(round)*time.Second)
		_, listener := leader.sessions(in)
		silent := time.Now()
		proxy.FreezePID(t, backend(t, listener))
		contact := queue(in, "unheard"+strconv.Itoa(round))
		noticed := since(t, silent, leader.Wait("no notifications, looking at the queue every second instead", round+1)[round])
		awaitComplete(in, contact)
		found := time.Since(silent)
		again := since(t, silent, leader.Wait("notifications arrive again", round+1)[round])
		t.Logf("deafness noticed after %v, a contact that was not heard of is synced after %v, notifications arrive again after %v",
			noticed.Round(time.Millisecond), found.Round(time.Millisecond), again.Round(time.Millisecond))
		if again > deafWithin+busy {
			t.Errorf("replaced after %v, want %v", again, deafWithin)
		}
	}
	if n := len(leader.Saw("leading")); n != 1 {
		t.Errorf("it led %d times, want once", n)
	}
}
