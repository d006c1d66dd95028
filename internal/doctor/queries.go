package doctor

import _ "embed"

// The statements; what they expect and give is written in them. Functions of the
// server are called by their bare names: a test puts others before them to see
// what a server would have to say for a check to fail.
var (
	//go:embed server.sql
	serverSQL string
	//go:embed identity.sql
	identitySQL string
	//go:embed privileges.sql
	privilegesSQL string
	//go:embed late_triggers.sql
	lateTriggersSQL string
	//go:embed triggers.sql
	triggersSQL string
	//go:embed replica_roles.sql
	replicaRolesSQL string
	//go:embed indexes.sql
	indexesSQL string
	//go:embed sizes.sql
	sizesSQL string
	//go:embed transactions.sql
	transactionsSQL string
	//go:embed hidden.sql
	hiddenSQL string
	//go:embed connections.sql
	connectionsSQL string
	//go:embed clock.sql
	clockSQL string
	//go:embed others.sql
	othersSQL string
)
