# An app on ActiveRecord, for TestActiveRecord: see ../orms_test.go for the verbs.
require "active_record"
require "securerandom"

ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
ActiveRecord::Base.logger = nil
ActiveRecord::Migration.verbose = false

class Contact < ActiveRecord::Base; end

class CreateContacts < ActiveRecord::Migration[6.1]
  def change
    create_table :contacts, id: :uuid, default: -> { "gen_random_uuid()" } do |t|
      t.text :email
      t.text :name
      t.timestamps null: true
    end
  end
end

class AddNickname < ActiveRecord::Migration[6.1]
  def change
    add_column :contacts, :nickname, :text, null: false, default: ""
  end
end

def raw(email)
  connection = PG.connect(ENV.fetch("DATABASE_URL"))
  connection.exec_params("UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = $1", [email])
ensure
  connection&.close
end

def queue(way, email)
  case way
  when "save"
    contact = Contact.find_by!(email: email)
    contact.hubspot_processing_status = "Queued"
    contact.save!
  when "update" then Contact.find_by!(email: email).update!(hubspot_processing_status: "Queued")
  when "column" then Contact.find_by!(email: email).update_column(:hubspot_processing_status, "Queued")
  when "bulk" then Contact.where(email: email).update_all(hubspot_processing_status: "Queued")
  when "upsert"
    id = Contact.find_by!(email: email).id
    Contact.upsert_all([{ id: id, email: email, created_at: Time.now, updated_at: Time.now, hubspot_processing_status: "Queued" }])
  when "raw" then raw(email)
  else raise way
  end
end

verb, *args = ARGV
case verb
when "before" then CreateContacts.new.migrate(:up)
when "after" then AddNickname.new.migrate(:up)
when "proposes" then nil # it compares nothing
when "dump" # db/schema.rb
  ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, $stdout)
when "load" then eval($stdin.read) # rubocop:disable Security/Eval -- as db:schema:load does
when "create" then Contact.create!(email: args[0], name: "Ada", hubspot_processing_status: args[1])
when "queue" then queue(*args)
when "stale"
  contact = Contact.find_by!(email: args[0])
  raw(args[0])
  contact.update!(nickname: "stale")
else raise verb
end
