"""An app on SQLAlchemy and Alembic, for TestSQLAlchemy: see ../orms_test.go for the verbs."""

import os
import sys
import uuid

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, DateTime, Text, create_engine, func, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Session, declarative_base

url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg2://", 1)
engine = create_engine(url)
Base = declarative_base()


class Contact(Base):
    __tablename__ = "contacts"
    id = Column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    email = Column(Text)
    name = Column(Text)
    nickname = Column(Text, nullable=False, server_default="")
    created_at = Column(DateTime(timezone=True), server_default=func.now())
    updated_at = Column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())
    # contactsync's, which makes it
    hubspot_processing_status = Column(Text)


OURS = ("hubspot_", "brevo_", "n8n_", "contacts_contactsync_")
SHARED = {"retry_count", "next_retry_at", "last_retry_at", "last_failed_crm", "phone_number", "domain_id", "page_id"}


def leave_contactsync_alone(object, name, type_, reflected, compare_to):
    """For include_object in env.py: what is in the database and not in the models, and
    is contactsync's, is not to be dropped."""
    theirs = reflected and compare_to is None and type_ in ("column", "index")
    return not (theirs and (name.startswith(OURS) or name in SHARED))


def proposed(connection, **options):
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True, **options}), Base.metadata)


def raw(email):
    with engine.begin() as connection:
        connection.execute(text("UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = :email"), {"email": email})


def queue(way, email):
    with Session(engine) as session:
        found = session.query(Contact).filter_by(email=email)
        if way == "save":
            found.one().hubspot_processing_status = "Queued"
        elif way == "merge":  # a whole object that comes from elsewhere
            old = found.one()
            session.merge(Contact(id=old.id, email=old.email, name="Ada", nickname="merged", hubspot_processing_status="Queued"))
        elif way == "bulk":
            found.update({"hubspot_processing_status": "Queued"}, synchronize_session=False)
        elif way == "mappings":
            session.bulk_update_mappings(Contact, [{"id": found.one().id, "hubspot_processing_status": "Queued"}])
        elif way == "raw":
            raw(email)
        else:
            raise ValueError(way)
        session.commit()


def main(verb, *args):
    if verb in ("before", "after"):
        with engine.begin() as connection:
            op = Operations(MigrationContext.configure(connection))
            if verb == "after":
                op.add_column("contacts", Column("nickname", Text, nullable=False, server_default=""))
                return
            op.create_table(
                "contacts",
                Column("id", UUID(as_uuid=True), primary_key=True),
                Column("email", Text),
                Column("name", Text),
                Column("created_at", DateTime(timezone=True), server_default=func.now()),
                Column("updated_at", DateTime(timezone=True), server_default=func.now()),
            )
    elif verb in ("proposes", "proposes-unconfigured"):
        with engine.connect() as connection:
            options = {} if verb != "proposes" else {"include_object": leave_contactsync_alone}
            for change in proposed(connection, **options):
                print(change[0], *(getattr(part, "name", part) for part in change[1:]))
    elif verb == "create":
        with Session(engine) as session:
            session.add(Contact(email=args[0], name="Ada", hubspot_processing_status=args[1] if args[1:] else None))
            session.commit()
    elif verb == "queue":
        queue(*args)
    elif verb == "stale":
        with Session(engine) as session:
            contact = session.query(Contact).filter_by(email=args[0]).one()
            raw(args[0])
            contact.nickname = "stale"
            session.commit()
    else:
        raise ValueError(verb)


main(*sys.argv[1:])
