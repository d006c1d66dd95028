package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/scrapersky/contactsync/internal/contact"
	"github.com/scrapersky/contactsync/internal/destination"
	"github.com/scrapersky/contactsync/internal/statement"
)

// mostTried is how many contacts are tried at most.
const mostTried = 5

// Trial is what became of contacts that were tried to be claimed and settled.
type Trial struct {
	Tried   []string  // their ids; without those that somebody holds locked or works on
	Refused []Refused // by the database
}

// Refused is a contact that the database did not let be written.
type Refused struct {
	ID     string
	Why    string // the database's own words; of a veto ours
	Source string // the trigger or the constraint; empty where that is not known
}

// Try claims and settles some contacts as a worker would, in a transaction that is rolled
// back: those that are refused now, one that is queued, and any other one. All that the
// app has put on its table shows then: triggers, also deferred ones, constraints, rights.
// What a trigger does outside of the transaction stays, such as a number that it draws
// from a sequence. Conn is a worker's.
func Try(ctx context.Context, conn *pgx.Conn, target statement.Target) (trial Trial, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return Trial{}, fmt.Errorf("try a claim: %w", err)
	}
	defer func() { err = errors.Join(err, tx.Rollback(ctx)) }()
	rows, err := Statements(target).Query(ctx, conn, "try_rows", pgx.NamedArgs{"destination": target.Destination.Name, "most": mostTried})
	if err != nil {
		return Trial{}, fmt.Errorf("try a claim: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return Trial{}, fmt.Errorf("try a claim: %w", err)
	}
	for _, id := range ids {
		tried, refused, err := tryOne(ctx, tx, target, id)
		if err != nil {
			return Trial{}, fmt.Errorf("try a claim: %w", err)
		}
		if tried {
			trial.Tried = append(trial.Tried, id)
		}
		if refused != nil {
			trial.Refused = append(trial.Refused, *refused)
		}
	}
	return trial, nil
}

// borrowed is a connection within somebody's transaction.
type borrowed struct{ conn *pgx.Conn }

func (b borrowed) Do(ctx context.Context, fn func(ctx context.Context, conn *pgx.Conn) error) error {
	return fn(ctx, b.conn)
}

func tryOne(ctx context.Context, outer pgx.Tx, target statement.Target, id string) (tried bool, refused *Refused, err error) {
	tx, err := outer.Begin(ctx) // a savepoint
	if err != nil {
		return false, nil, err
	}
	q := New(borrowed{outer.Conn()}, Options{Target: target, Slot: destination.ManualSlot, MaxRetries: 1, RetryDelay: time.Minute})
	q.numbers = []int64{-1, -2} // no number is drawn
	claimed, cause := q.tryClaimAndSettle(ctx, id)
	if err := tx.Rollback(ctx); err != nil {
		return false, nil, errors.Join(cause, err)
	}
	why := q.noticed // a veto, or nothing
	if cause != nil {
		why = refusalOf(stageClaim, cause)
		if why.code == "" {
			return false, nil, cause
		}
		if why.source, err = q.source(ctx, outer.Conn(), why, cause); err != nil {
			return false, nil, err
		}
	}
	if why.code == "" {
		return claimed, nil, nil
	}
	return true, &Refused{ID: id, Why: why.message, Source: why.source}, nil
}

// tryClaimAndSettle is to run within a transaction that is rolled back.
func (q *Queue) tryClaimAndSettle(ctx context.Context, id string) (claimed bool, err error) {
	batch, err := q.ClaimIDs(ctx, []string{id})
	if err != nil || len(batch.Contacts) == 0 {
		return false, err
	}
	answered := contact.Answered{Batch: batch, Report: contact.Report{Outcomes: []contact.Outcome{{Verdict: contact.Synced}}}}
	if _, _, err := q.Settle(ctx, answered); err != nil {
		return true, err
	}
	return true, q.do(ctx, "try what is deferred", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET CONSTRAINTS ALL IMMEDIATE")
		return err
	})
}
