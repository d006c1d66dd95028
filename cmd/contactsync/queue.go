package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/scrapersky/contactsync/internal/ops"
)

// queuePage is how many names are looked up and queued at a time.
const queuePage = 1000

// maxNameBytes bounds a line of a file; an email has 254 characters at most.
const maxNameBytes = 4096

// syncStatuses are the values of hubspot_sync_status.
var syncStatuses = []string{"New", "Selected", "Queued", "Processing", "Complete", "Error", "Skipped"}

// parseStatus is the value that --status names, in upper or lower case; empty for
// none.
func parseStatus(status string) (string, error) {
	if status == "" {
		return "", nil
	}
	at := slices.IndexFunc(syncStatuses, func(s string) bool { return strings.EqualFold(s, strings.TrimSpace(status)) })
	if at < 0 {
		return "", usagef("there is no status %q; expected %s", status, anyOf(syncStatuses))
	}
	return syncStatuses[at], nil
}

func newQueueCommand(p *program) *cobra.Command {
	var file, status string
	var all bool
	var fill backfill
	c := &change{p: p, verb: ops.DidQueue}
	cmd := &cobra.Command{
		Use:   "queue [ID|EMAIL...]",
		Short: "Put contacts into the queue",
		Long: `Put contacts into the queue, as an app does: by id or email, from a file or standard input with one id or
email a line (blank lines and lines that begin with # are passed over), or all with one hubspot_sync_status.
What cannot be found is listed; everything else is queued all the same, and the exit code is 1.

With --all it queues every contact that has an email, is not Skipped and is not in the queue already (those keep their
turn, also one that waits for a retry), in the order of the ids: a page at a time, the next one when nothing is due any
more and not before --rate allows it. So what apps queue meanwhile waits for one page at most. It
takes as long as the contacts take to be synced. When it is interrupted it says how to go on from there.`,
		Example: `  contactsync queue ada@example.org 7d444840-9dc0-11d1-b245-5ffdce74fad2
  contactsync queue --file contacts.txt
  psql -Atc "SELECT id FROM contacts WHERE page_id IS NOT NULL" | contactsync queue --file -
  contactsync queue --status Selected --json | jq .contacts
  contactsync queue --all --rate 200/s
  contactsync queue --all --rate 200/s --after 7d444840-9dc0-11d1-b245-5ffdce74fad2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ways := 0
			for _, used := range []bool{len(args) > 0, file != "", status != "", all} {
				if used {
					ways++
				}
			}
			if ways != 1 {
				return usagef("say which contacts, in one way: ids or emails, --file, --status, or --all")
			}
			if !all && (cmd.Flags().Changed("rate") || cmd.Flags().Changed("page") || cmd.Flags().Changed("after")) {
				return usagef("--rate, --page and --after go with --all")
			}
			perSecond, err := fill.check()
			if err != nil {
				return err
			}
			status, err := parseStatus(status)
			if err != nil {
				return err
			}
			switch {
			case all:
				detail := strings.TrimSpace("all " + fill.rate)
				return c.run(cmd.Context(), detail, func(ctx context.Context) error {
					if err := fill.parseAfter(ctx, c.store); err != nil {
						return err
					}
					if err := c.queueAll(ctx, fill, perSecond); err != nil {
						return &stoppedError{err, fill.goOn(c.after)}
					}
					return nil
				})
			case status != "":
				return c.run(cmd.Context(), "with status "+status, func(ctx context.Context) error { return c.queueStatus(ctx, status) })
			case file == "-":
				return c.run(cmd.Context(), "from standard input", func(ctx context.Context) error { return c.queueNames(ctx, p.stdin, -1) })
			case file != "":
				return c.run(cmd.Context(), "from file "+file, func(ctx context.Context) error { return c.queueFile(ctx, file) })
			default:
				return c.run(cmd.Context(), "", func(ctx context.Context) error {
					return c.queueNames(ctx, strings.NewReader(strings.Join(args, "\n")), len(args))
				})
			}
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "read ids and emails from this file, one a line; - is standard input")
	cmd.Flags().StringVar(&status, "status", "", "queue all contacts whose hubspot_sync_status is this")
	cmd.Flags().BoolVar(&all, "all", false, "queue every contact that has an email and is neither Skipped nor in the queue already")
	cmd.Flags().StringVar(&fill.rate, "rate", "", "with --all: no faster than this, as in 200/s, 30/m or 1000/h")
	cmd.Flags().IntVar(&fill.page, "page", 100, "with --all: how many to queue at a time")
	cmd.Flags().StringVar(&fill.after, "after", "", "with --all: go on after this id")
	_ = cmd.RegisterFlagCompletionFunc("status", cobra.FixedCompletions(syncStatuses, cobra.ShellCompDirectiveNoFileComp))
	c.flags(cmd)
	return cmd
}

// notQueued are the contacts with a status that are not in the queue already.
func notQueued(status string) ops.Filter {
	return ops.Filter{Mirror: status, Except: []string{ops.StatusQueued}}
}

// queueStatus queues every contact with a status.
func (c *change) queueStatus(ctx context.Context, status string) error {
	total, err := c.store.Count(ctx, notQueued(status), "")
	if err != nil {
		return err
	}
	c.begin(total)
	return c.store.Each(ctx, notQueued(status), func(ids []string) error {
		found, err := c.store.Queue(ctx, ids)
		c.done(len(ids), found)
		return err
	})
}

func (c *change) queueFile(ctx context.Context, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the contacts: %w", err)
	}
	defer f.Close()
	lines, err := countLines(f)
	if err != nil {
		return fmt.Errorf("read the contacts: %w", err)
	}
	return c.queueNames(ctx, f, lines)
}

// queueNames queues the contacts whose ids and emails stand in text, one a line.
// Lines is how many there are, negative when nobody knows.
func (c *change) queueNames(ctx context.Context, text io.Reader, lines int) error {
	c.begin(lines)
	err := eachPage(text, func(page []string) error {
		wanted, err := readNames(ctx, c.store, page)
		if err != nil {
			return err
		}
		ids, unknown, err := wanted.find(ctx, c.store)
		if err != nil {
			return err
		}
		found, err := c.store.Queue(ctx, ids)
		c.done(len(page), found)
		c.left = append(c.left, wanted.left(wanted.ids, found, unknown)...)
		return err
	})
	if err != nil || len(c.left) == 0 {
		return err
	}
	if !c.asJSON {
		for _, name := range c.left {
			say(c.p.stderr, "not found: %s\n", name)
		}
	}
	return fmt.Errorf("%s not found", contacts(len(c.left)))
}

// eachPage calls work with page after page of the names in a text. It fails at a
// line that can be neither an id nor an email.
func eachPage(text io.Reader, work func(page []string) error) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxNameBytes)
	var page []string
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\uFEFF"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if !utf8.ValidString(line) || strings.ContainsRune(line, 0) {
			return fmt.Errorf("line %d is not text: expected one id or email a line, in UTF-8", number)
		}
		if page = append(page, line); len(page) == queuePage {
			if err := work(page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %d bytes: expected one id or email a line", maxNameBytes)
	} else if err != nil {
		return fmt.Errorf("read the contacts: %w", err)
	}
	if len(page) == 0 {
		return nil
	}
	return work(page)
}

// countLines counts the lines of a file and goes back to its beginning.
func countLines(f *os.File) (int, error) {
	lines := 0
	reader := bufio.NewReader(f)
	for {
		part, err := reader.ReadSlice('\n')
		if len(part) > 0 && !errors.Is(err, bufio.ErrBufferFull) {
			lines++
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return lines, err
}
