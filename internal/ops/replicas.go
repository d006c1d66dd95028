package ops

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/database"
)

// silence is after how long a process that writes itself down every 15 s is taken
// for gone.
const silence = 3 * Every

// The roles of a Replica.
const (
	RoleLeader   = "leader"
	RoleFollower = "follower"
	RoleGone     = "gone" // silent for 45 s, or it led and does not any more; forgotten after a day
)

// Replica is a process that syncs or waits to.
type Replica struct {
	Instance    string    `json:"instance"`
	Version     string    `json:"version"`
	Role        string    `json:"role"`
	Slot        *int      `json:"slot"` // of a leader
	StartedAt   time.Time `json:"started_at"`
	SeenAt      time.Time `json:"seen_at"`
	SeenSeconds float64   `json:"seen_seconds"` // since it wrote itself down last, every 15 s
	Listener    *bool     `json:"listener"`     // of a leader: notifications are known to arrive
	Armed       bool      `json:"armed"`        // it sleeps on the doorbell, now

	// What HubSpot said last with an answer to this process, and when: requests in
	// 10 s for its key, and in a day for the account. Nil: nothing yet.
	RateMax   *int       `json:"rate_max"`
	RateLeft  *int       `json:"rate_left"`
	RateAt    *time.Time `json:"rate_at"`
	DailyMax  *int       `json:"daily_max"`
	DailyLeft *int       `json:"daily_left"`
	DailyAt   *time.Time `json:"daily_at"`
}

//go:embed replicas.sql
var replicasSQL string

func replicasArgs() []any {
	return []any{database.LockClass, database.SlotLock(0), database.DoorbellLock, silence.Seconds()}
}

// Replicas lists the processes of the last day, leaders first.
func (d *Desk) Replicas(ctx context.Context) ([]Replica, error) {
	rows, err := d.pool.Query(ctx, replicasSQL, replicasArgs()...)
	if err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Replica])
	if err != nil {
		return nil, fmt.Errorf("list the replicas: %w", err)
	}
	return list, nil
}
