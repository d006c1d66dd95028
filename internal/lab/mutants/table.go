package main

// mutation is one deliberate break: in one file one text, which must be there
// exactly once, becomes another one.
type mutation struct {
	name string // what is broken, for people and for the command line
	file string // from the root of the module
	old  string
	new  string

	pkg   string   // the package whose tests are to notice
	tests []string // as few as will do; at least one must fail
}

// mutations are the promises of the protocol, broken one by one. The first ones
// lose contacts, double them or stop the loop; those after the blank line are
// the variants of internal/lab/model that one line of code stands for.
var mutations = []mutation{
	{
		name: "settle not by claim",
		file: "internal/queue/settle.sql",
		old:  "     WHERE coalesce((SELECT x.cycle FROM contactsync.claims x WHERE x.contact_id = o.id AND x.destination = @destination) = @cycle::bigint, false)\n), locked AS",
		new:  "), locked AS",
		pkg:  "internal/queue", tests: []string{"TestSettleIsFencedByTheClaim"},
	},
	{
		name: "no SKIP LOCKED",
		file: "internal/queue/claim.sql",
		old:  "FROM retries)\n           FOR NO KEY UPDATE OF c SKIP LOCKED",
		new:  "FROM retries)\n           FOR NO KEY UPDATE OF c",
		pkg:  "internal/queue", tests: []string{"TestClaimNeverWaitsForAnApp"},
	},
	{
		name: "no quarantine",
		file: "internal/queue/queue.go",
		old:  "return (leaseSlack + q.opt.Timeout).Seconds()",
		new:  "return 0",
		pkg:  "internal/queue", tests: []string{"TestRescueWaitsForTheQuarantine"},
	},
	{
		name: "no lease",
		file: "internal/leader/leader.sql",
		old:  "set_config('idle_session_timeout', @lease, false)",
		new:  "set_config('idle_session_timeout', '0', false)",
		pkg:  "internal/leader", tests: []string{"TestLeaderIsFrozen"},
	},
	{
		name: "no last look after arming",
		file: "internal/queue/doorbell.go",
		old:  "\tif state.Armed {\n",
		new:  "\tstate.Due = false\n\tif state.Armed {\n",
		pkg:  "internal/queue", tests: []string{"TestArmedConsumerIsRung", "TestLastLookSeesLockedRows"},
	},
	{
		name: "no rescue",
		file: "internal/queue/maintain.go",
		old:  "for _, slot := range slots {",
		new:  "for _, slot := range slots[:0] {",
		pkg:  "internal/queue", tests: []string{"TestRescueEndsInErrorAtTheMaximum", "TestRescueOfOtherSlots"},
	},
	{
		name: "retry without next_retry_at",
		file: "internal/queue/settle.sql",
		old:  "WHEN w.final = 'retry' THEN w.retry_at\n",
		new:  "WHEN w.final = 'retry' THEN NULL\n",
		pkg:  "internal/queue", tests: []string{"TestSettle"},
	},
	{
		name: "errors of a 207 ignored",
		file: "internal/destination/hubspot/match.go",
		old:  "m.addProblem(&answer.Errors[i], traces, byKey)",
		new:  "_ = answer.Errors[i]",
		pkg:  "internal/destination/hubspot", tests: []string{"TestBadRows"},
	},
	{
		name: "results matched by index",
		file: "internal/destination/hubspot/match.go",
		old:  "m.addResult(&answer.Results[i], traces, byKey)",
		new:  "m.results[items[i%len(items)]] = &answer.Results[i]",
		pkg:  "internal/destination/hubspot", tests: []string{"TestResultsInAnyOrder"},
	},
	{
		name: "duplicates not merged",
		file: "internal/contact/merge.go",
		old:  `if key == "" || !seen {`,
		new:  `if key == "" || !seen || seen {`,
		pkg:  "internal/contact", tests: []string{"TestMerge"},
	},
	{
		name: "settled under the signal's context",
		file: "internal/drain/loop.go",
		old:  "err := r.perform(ctx, act)",
		new:  "err := r.perform(stop, act)",
		pkg:  "internal/drain", tests: []string{"TestStopDoesNotReachTheSettle"},
	},
	{
		name: "the key is not claimed",
		file: "internal/queue/fragments.sql",
		old:  "key, key IS NOT NULL FROM ranked",
		new:  "key, false FROM ranked",
		pkg:  "internal/queue", tests: []string{"TestAKeyIsInFlightOnce"},
	},
	{
		name: "what may land late is forgotten",
		file: "internal/queue/settle.sql",
		old:  "(w.in_doubt OR w.final = 'retry')\n     GROUP BY",
		new:  "false\n     GROUP BY",
		pkg:  "internal/queue", tests: []string{"TestNewerIsSentAgainAfterTheDoubt", "TestAnOlderRowThatIsTriedLater"},
	},
	{
		name: "an outage spends all under way",
		file: "internal/drain/breaker.go",
		old:  "was, usable := b.circuit, ",
		new:  "was, usable := closed, ",
		pkg:  "internal/drain", tests: []string{"TestOutageMeetsWhatIsUnderWay"},
	},
	{
		name: "a half-open account gets a whole batch",
		file: "internal/drain/plan.go",
		old:  "case s.breaker.circuit == halfOpen:",
		new:  "case s.breaker.circuit == open:",
		pkg:  "internal/drain", tests: []string{"TestNext"},
	},
	{
		name: "a probe takes due retries alone",
		file: "internal/drain/plan.go",
		old:  "share = contact.Spread(min(triedInHalfOpen, s.batchSize), s.turn)",
		new:  "share = contact.InOrder(1)",
		pkg:  "internal/drain", tests: []string{"TestNext", "TestBadRowsHoldNobodyUp"},
	},
	{
		name: "a culprit is not remembered",
		file: "internal/drain/breaker.go",
		old:  "b.suspects.learn(a)",
		new:  "b.suspects.all(a)",
		pkg:  "internal/drain", tests: []string{"TestBadRowsHoldNobodyUp"},
	},
	{
		name: "an outage of writes spends the queue",
		file: "internal/drain/breaker.go",
		old:  "b.openings >= longOutage && b.guessed < mostGuessed",
		new:  "true",
		pkg:  "internal/drain", tests: []string{"TestOutageCostsNoBudget"},
	},
	{
		name: "a culprit is charged to its whole batch",
		file: "internal/destination/hubspot/suspect.go",
		old:  "case len(items) > 1 && (again || answers == 0 || e.Slow()):",
		new:  "case len(items) > 1 && answers == 0:\n\t\tu.failAll(ctx, items, e)\n\tcase len(items) > 1 && (again || e.Slow()):",
		pkg:  "internal/destination/hubspot", tests: []string{"TestOneRowsFault"},
	},
	{
		name: "no doubt once a part went through",
		file: "internal/destination/hubspot/upsert.go",
		old:  "o.InDoubt = o.InDoubt || it.doubt",
		new:  "o.InDoubt = o.InDoubt || false",
		pkg:  "internal/destination/hubspot", tests: []string{"TestOneRowsFault"},
	},
	{
		name: "a wake-up ends a pause",
		file: "internal/drain/plan.go",
		old:  "return s.wait(b.until)",
		new:  "return s.lookAt(now, b.until, ReasonStart)",
		pkg:  "internal/drain", tests: []string{"TestNext"},
	},
	{
		// A pool does not close a connection that is given back, and the lock stays.
		name: "lock taken from a pool: never freed",
		file: "internal/leader/run.go",
		old:  "defer database.Close(stop, conn)",
		new:  "_ = database.Close",
		pkg:  "internal/leader", tests: []string{"TestTheLocksConnectionIsClosed"},
	},
	{
		// And it gives whoever asks another connection than the one that has the lock.
		name: "lock taken from a pool: no fence",
		file: "internal/leader/follower.go",
		old:  "return newSession(conn, slot, c.cfg, sent), nil",
		new: "conn, err := c.cfg.Connect(stop)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n" +
			"\t_, err = conn.Exec(stop, \"SET application_name = 'another'\")\n\treturn newSession(conn, slot, c.cfg, sent), err",
		pkg: "internal/leader", tests: []string{"TestDoIsFencedByTheDatabase"},
	},

	{
		name: "a doubt frees the claim",
		file: "internal/queue/settle.go",
		old:  "= o.Created, o.InDoubt, o.Forgiving",
		new:  "= o.Created, false, o.Forgiving",
		pkg:  "internal/queue", tests: []string{"TestDoubtKeepsTheClaim"},
	},
	{
		name: "no comparison of versions",
		file: "internal/queue/settle.sql",
		old:  "WHEN ours AND found_version <> version AND verdict IN ('synced', 'unchanged', 'reject') THEN 'touched'",
		new:  "WHEN false THEN 'touched'",
		pkg:  "internal/queue", tests: []string{"TestTouchedRowGoesBackToTheQueue"},
	},
	{
		name: "claims not touched",
		file: "internal/drain/inflight.go",
		old:  "const touchEvery = 5 * time.Second",
		new:  "const touchEvery = 5 * time.Hour",
		pkg:  "internal/drain", tests: []string{"TestStopFinishesThenCutsTheRequest"},
	},
	{
		name: "sent without asking the lease",
		file: "internal/leader/transport.go",
		old:  "return 0, fmt.Errorf(\"%w: %w\", contact.ErrNotSent, err)\n",
		new:  "_ = err\n",
		pkg:  "internal/leader", tests: []string{"TestTransport"},
	},
	{
		name: "sent although the claim is stale",
		file: "internal/queue/claim_age.go",
		old:  "age > staleAfter {",
		new:  "age > time.Hour {",
		pkg:  "internal/queue", tests: []string{"TestUntouchedClaimsAreNotSent"},
	},
	{
		name: "doorbell believed held after a refusal",
		file: "internal/queue/claim.go",
		old:  "\t\tq.bell = bellUnsure\n",
		new:  "\t\t_ = bellUnsure\n",
		pkg:  "internal/queue", tests: []string{"TestDoorbellAfterRefusedClaims"},
	},
	{
		name: "the database's trouble taken for the row's fault",
		file: "internal/queue/fault.go",
		old:  "case database.Server, database.Connection, database.Denied:",
		new:  "case database.Connection:",
		pkg:  "internal/queue", tests: []string{"TestTroubleMarksNoRow"},
	},
	{
		name: "what was answered is sent again after the database's trouble",
		file: "internal/drain/settle.go",
		old:  "return nil, r.keepTroubled(u, err)",
		new:  "return nil, err",
		pkg:  "internal/drain", tests: []string{"TestDatabaseInTrouble"},
	},
	{
		name: "no adoption",
		file: "internal/queue/maintain.go",
		old:  "\"after\": AdoptAfter.Seconds()",
		new:  "\"after\": 1e9",
		pkg:  "internal/queue", tests: []string{"TestAdoptsRowsThatNobodyWorksOn"},
	},
	{
		name: "the trigger's error is the app's",
		file: "triggers/requeue.sql",
		old:  "        WHEN OTHERS THEN\n            BEGIN",
		new:  "        WHEN division_by_zero THEN\n            BEGIN",
		pkg:  "triggers", tests: []string{"TestNoAlterationFailsTheApp"},
	},
	{
		name: "no second try at the doorbell",
		file: "triggers/requeue.sql",
		old:  "            BEGIN\n                IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(1668507251, 1 /* doorbell */) THEN",
		new:  "            BEGIN\n                IF false THEN",
		pkg:  "triggers", tests: []string{"TestNoAlterationFailsTheApp"},
	},
	{
		name: "the trigger compares as search_path says",
		file: "triggers/requeue.sql",
		old:  "        IF NEW.hubspot_processing_status::pg_catalog.text OPERATOR(pg_catalog.=) 'Queued'\n",
		new:  "        IF NEW.hubspot_processing_status IN ('Queued')\n",
		pkg:  "triggers", tests: []string{"TestNobodyElsesOperators"},
	},
	{
		name: "statements call what search_path leads to",
		file: "internal/statement/render.go",
		old:  "s.out.WriteString(\" OPERATOR(\" + schema + \".\" + m[1] + \") \")",
		new:  "s.out.WriteString(\" \" + m[1] + \" \" + schema[:0])",
		pkg:  "internal/queue", tests: []string{"TestNobodyElsesOperators"},
	},
	{
		name: "restrictive policies are overlooked",
		file: "migrations/objects/row_security.sql",
		old:  "AND (NOT p.opens OR p.restricts <> '')",
		new:  "AND (NOT p.opens)",
		pkg:  "internal/schema", tests: []string{"TestWhatRowSecurityHides"},
	},
	{
		name: "the owner is taken to see everything",
		file: "migrations/objects/row_security.sql",
		old:  "AND (t.relforcerowsecurity OR NOT pg_has_role(r.oid, t.relowner, 'USAGE'))",
		new:  "AND NOT pg_has_role(r.oid, t.relowner, 'USAGE')",
		pkg:  "internal/schema", tests: []string{"TestWhatRowSecurityHides"},
	},
	{
		name: "only whoever looks counts as blind",
		file: "migrations/objects/row_security.sql",
		old:  "AND l.objid::bigint % 10000 BETWEEN 100 AND 199",
		new:  "AND false",
		pkg:  "internal/schema", tests: []string{"TestTheViewSaysWhatIsHidden"},
	},
	{
		name: "a queue that cannot be seen is healthy",
		file: "internal/ops/sentence.go",
		old:  "if len(s.Hidden) == 0 {",
		new:  "if len(s.Hidden) < 99 {",
		pkg:  "internal/ops", tests: []string{"TestSentence"},
	},
	{
		name: "a refused up leaves what it began",
		file: "internal/schema/preflight.go",
		old:  "if !m.createdSchema || blocked || !refused {",
		new:  "if true || blocked || !refused {",
		pkg:  "internal/schema", tests: []string{"TestAnUnforeseenRefusalLeavesNothing"},
	},
	{
		name: "subscribers are not looked for",
		file: "internal/schema/preflight.go",
		old:  "m.otherValues, m.replication}",
		new:  "m.otherValues}",
		pkg:  "internal/schema", tests: []string{"TestPublications"},
	},
	{
		name: "constraints are not tried",
		file: "internal/schema/trial.go",
		old:  "if tried > 0 && refused == tried {",
		new:  "if tried > 1 && refused == tried {",
		pkg:  "internal/schema", tests: []string{"TestConstraintsAreTried"},
	},
	{
		name: "down does not follow a moved table",
		file: "internal/schema/down.go",
		old:  "if followed != nil {",
		new:  "if followed == nil {",
		pkg:  "internal/schema", tests: []string{"TestAMovedTableIsFollowed"},
	},
}
