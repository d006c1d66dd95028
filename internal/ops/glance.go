package ops

import (
	"context"
	_ "embed" // the statement
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/database"
)

// Glance is a Status that can be had every second: its counts end at MostShown +
// 1, and its measures and failures are left out. With it come the last cycles and
// what people did last.
type Glance struct {
	Status
	Cycles  []Cycle
	Actions []Action
}

// glancePatience bounds each statement of a glance.
const glancePatience = 2 * time.Second

//go:embed glance.sql
var glanceSQL string

// Glance looks at the installation, with so many cycles and actions at most.
func (d *Desk) Glance(ctx context.Context, destination string, cycles, actions int) (Glance, error) {
	var g Glance
	var holds []contact.Hold
	err := d.look(ctx, glancePatience, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue("SELECT now()").QueryRow(func(row pgx.Row) error { return row.Scan(&g.At) })
		batch.Queue(holdReadSQL, destination).Query(all(&holds))
		batch.Queue(replicasSQL, replicasArgs()...).Query(all(&g.Replicas))
		batch.Queue(glanceSQL, destination, MostShown+1).Query(one(&g.Queue))
		batch.Queue(leadersSQL, destination, database.LockClass, database.SlotLock(0)).Query(all(&g.Leaders))
		batch.Queue(cyclesSQL, destination, cycles).Query(all(&g.Cycles))
		batch.Queue(actionsSQL, "", actions).Query(all(&g.Actions))
		return tx.SendBatch(ctx, batch).Close()
	})
	if err != nil {
		return Glance{}, fmt.Errorf("glance: %w", err)
	}
	if len(holds) > 0 {
		g.Hold = &holds[0]
	}
	return g, nil
}
