<?php
// An app on Doctrine's ORM, for TestDoctrine: see ../orms_test.go for the verbs.
require_once 'Doctrine/ORM/autoload.php';

use Doctrine\Common\EventManager;
use Doctrine\DBAL\DriverManager;
use Doctrine\ORM\Configuration;
use Doctrine\ORM\EntityManager;
use Doctrine\ORM\Mapping\Driver\AttributeDriver;
use Doctrine\ORM\Mapping as ORM;
use Doctrine\ORM\Tools\Event\GenerateSchemaEventArgs;
use Doctrine\ORM\Tools\SchemaTool;
use Doctrine\ORM\Tools\ToolEvents;

#[ORM\Entity]
#[ORM\Table(name: 'contacts')]
class Contact
{
    #[ORM\Id, ORM\Column(type: 'guid')]
    public string $id;
    #[ORM\Column(type: 'text', nullable: true)]
    public ?string $email = null;
    #[ORM\Column(type: 'text', nullable: true)]
    public ?string $name = null;
    #[ORM\Column(type: 'text', options: ['default' => ''])]
    public string $nickname = '';
    #[ORM\Column(type: 'datetimetz', nullable: true)]
    public ?DateTime $updated_at = null;
    // contactsync's, which makes it
    #[ORM\Column(type: 'text', nullable: true)]
    public ?string $hubspot_processing_status = null;
}

// Doctrine compares whole tables: what the entities do not have it would drop. This takes
// contactsync's columns and indexes over into what it compares with.
final class LeavesContactsyncAlone
{
    private const SHARED = ['retry_count', 'next_retry_at', 'last_retry_at', 'last_failed_crm', 'phone_number', 'domain_id', 'page_id', 'created_at'];

    public function postGenerateSchema(GenerateSchemaEventArgs $args): void
    {
        $real = $args->getEntityManager()->getConnection()->createSchemaManager()->introspectTable('contacts');
        $wanted = $args->getSchema()->getTable('contacts');
        foreach ($real->getColumns() as $column) {
            $name = $column->getName();
            if (!$wanted->hasColumn($name) && (preg_match('/^(hubspot|brevo|n8n)_/', $name) || in_array($name, self::SHARED, true))) {
                $wanted->addColumn($name, $column->getType()->getName(), array_diff_key($column->toArray(), ['name' => 0, 'type' => 0]));
            }
        }
        foreach ($real->getIndexes() as $index) {
            if (str_starts_with($index->getName(), 'contacts_contactsync_')) {
                $wanted->addIndex($index->getColumns(), $index->getName(), $index->getFlags(), $index->getOptions());
            }
        }
    }
}

$url = parse_url(getenv('DATABASE_URL'));
$params = [
    'driver' => 'pdo_pgsql', 'host' => $url['host'], 'port' => $url['port'], 'dbname' => substr($url['path'], 1),
    'user' => urldecode($url['user']), 'password' => urldecode($url['pass'] ?? ''),
];
function entities(bool $configured = true): EntityManager
{
    global $params;
    $config = new Configuration();
    $config->setMetadataDriverImpl(new AttributeDriver([__DIR__]));
    $config->setProxyDir(sys_get_temp_dir());
    $config->setProxyNamespace('Proxies');
    // Schemas of others are not the app's.
    $config->setSchemaAssetsFilter(fn ($name) => !str_starts_with($name instanceof \Doctrine\DBAL\Schema\AbstractAsset ? $name->getName() : $name, 'contactsync.'));
    $events = new EventManager();
    if ($configured) {
        $events->addEventListener(ToolEvents::postGenerateSchema, new LeavesContactsyncAlone());
    }
    return new EntityManager(DriverManager::getConnection($params, $config, $events), $config, $events);
}

function raw(string $email): void
{
    global $params;
    DriverManager::getConnection($params)->executeStatement("UPDATE contacts SET hubspot_processing_status = 'Queued' WHERE email = ?", [$email]);
}

function queue(string $way, string $email): void
{
    $em = entities();
    $contact = $em->getRepository(Contact::class)->findOneBy(['email' => $email]);
    switch ($way) {
        case 'save':
            $contact->hubspot_processing_status = 'Queued';
            $em->flush();
            break;
        case 'bulk':
            $em->createQuery("UPDATE Contact c SET c.hubspot_processing_status = 'Queued' WHERE c.email = :email")->execute(['email' => $email]);
            break;
        case 'raw':
            raw($email);
            break;
        default:
            throw new RuntimeException($way);
    }
}

[, $verb] = $argv;
$args = array_slice($argv, 2);
switch ($verb) {
    case 'before':
        $em = entities(false);
        $tool = new SchemaTool($em);
        foreach ($tool->getCreateSchemaSql([$em->getClassMetadata(Contact::class)]) as $sql) {
            $em->getConnection()->executeStatement(str_replace([", nickname TEXT DEFAULT '' NOT NULL", ', hubspot_processing_status TEXT DEFAULT NULL'], '', $sql));
        }
        break;
    case 'after':
        entities()->getConnection()->executeStatement("ALTER TABLE contacts ADD nickname TEXT DEFAULT '' NOT NULL");
        break;
    case 'proposes':
    case 'proposes-unconfigured':
        $em = entities($verb === 'proposes');
        foreach ((new SchemaTool($em))->getUpdateSchemaSql([$em->getClassMetadata(Contact::class)]) as $sql) {
            echo $sql, "\n";
        }
        break;
    case 'create':
        $em = entities();
        $contact = new Contact();
        $contact->id = $em->getConnection()->fetchOne('SELECT gen_random_uuid()');
        [$contact->email, $contact->name, $contact->hubspot_processing_status] = [$args[0], 'Ada', $args[1] ?? null];
        $em->persist($contact);
        $em->flush();
        break;
    case 'queue':
        queue(...$args);
        break;
    case 'stale':
        $em = entities();
        $contact = $em->getRepository(Contact::class)->findOneBy(['email' => $args[0]]);
        raw($args[0]);
        $contact->nickname = 'stale';
        $em->flush();
        break;
    default:
        throw new RuntimeException($verb);
}
