package bench

import _ "embed" // the statements

var (
	//go:embed fill.sql
	fillSQL string
	//go:embed asleep.sql
	asleepSQL string
	//go:embed drained.sql
	drainedSQL string
	//go:embed pace.sql
	paceSQL string
	//go:embed queue.sql
	queueSQL string
	//go:embed rename.sql
	renameSQL string
	//go:embed no_trigger.sql
	noTriggerSQL string
	//go:embed no_index.sql
	noIndexSQL string
	//go:embed heap_only.sql
	heapOnlySQL string
	//go:embed plain_notify.sql
	plainNotifySQL string
	//go:embed explain.sql
	explainSQL string
	//go:embed resting.sql
	restingSQL string
	//go:embed queue_some.sql
	queueSomeSQL string
	//go:embed statements.sql
	statementsSQL string
	//go:embed transactions.sql
	transactionsSQL string
	//go:embed sizes.sql
	sizesSQL string
	//go:embed queue_email.sql
	queueEmailSQL string
	//go:embed statements_list.sql
	statementsListSQL string
)
