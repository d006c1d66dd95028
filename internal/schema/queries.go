package schema

import _ "embed"

// The statements; what they expect and give is written in them.
var (
	//go:embed prepare.sql
	prepareSQL string
	//go:embed drop_schema.sql
	dropSchemaSQL string
	//go:embed keeps_contacts.sql
	keepsContactsSQL string
	//go:embed holders.sql
	holdersSQL string
	//go:embed blocking.sql
	blockingSQL string
	//go:embed is_migrated.sql
	isMigratedSQL string
	//go:embed versions.sql
	versionsSQL string
	//go:embed contacts.sql
	contactsSQL string
	//go:embed trigger_state.sql
	triggerStateSQL string
	//go:embed trigger_record.sql
	triggerRecordSQL string
	//go:embed trigger_drop.sql
	triggerDropSQL string
	//go:embed objects_table.sql
	objectsTableSQL string
	//go:embed index_table.sql
	indexTableSQL string
	//go:embed index_found.sql
	indexFoundSQL string
	//go:embed index_partitions.sql
	indexPartitionsSQL string
	//go:embed index_attached.sql
	indexAttachedSQL string
	//go:embed queued_since.sql
	queuedSinceSQL string
	//go:embed index_there.sql
	indexThereSQL string
)
