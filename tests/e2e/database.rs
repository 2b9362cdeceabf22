//! A MySQL resource under test: its data, its checksums, and writers that tell what was acknowledged.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{Namespace, condition_of};

pub const API: &str = "daytwo.dev/v1alpha1";

/// Rows of the large table: few unless `DAYTWO_E2E_ROWS` says how many.
pub fn rows() -> u64 {
    std::env::var("DAYTWO_E2E_ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// Everything that a dump must carry: keys, views, triggers, routines, events, blobs, all of Unicode.
const SCHEMA: &str = r"
CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) CHARACTER SET utf8mb4 NOT NULL,
  born DATE, score DOUBLE, tags JSON, UNIQUE KEY (name));
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, item TEXT, price DECIMAL(10,2),
  picture BLOB, at TIMESTAMP NOT NULL DEFAULT '2026-01-01 00:00:00', total DECIMAL(12,2) AS (price * 2) VIRTUAL,
  KEY (at), CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE);
CREATE TABLE audit (id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(100));
CREATE TABLE nothing (id INT);
CREATE TABLE priced (id INT PRIMARY KEY, price DOUBLE, twice DOUBLE AS (price * 2) STORED);
CREATE TABLE journal (id BIGINT PRIMARY KEY, writer VARCHAR(10));
CREATE VIEW spent AS SELECT c.name, SUM(o.price) AS total FROM customers c JOIN orders o ON o.customer = c.id GROUP BY c.id;
CREATE TRIGGER noted AFTER INSERT ON customers FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('(new), ', NEW.name));
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;
CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR DO INSERT INTO audit (what) VALUES ('a year');
CREATE USER app@'%' IDENTIFIED BY 'app(1)';
GRANT SELECT, INSERT ON shop.* TO app@'%';
";

/// What tells whether the tables are the same.
pub const CHECKSUMS: &str = "CHECKSUM TABLE customers, orders, audit, nothing; \
    SET SESSION group_concat_max_len = 1000000; SELECT SHA2(GROUP_CONCAT(id, ' ', price, ' ', twice ORDER BY id), 256) FROM priced";

/// A MySQL resource named `shop`.
pub struct Database<'a> {
    pub namespace: &'a Namespace,
}

impl<'a> Database<'a> {
    /// Makes the Secret and the resource; `more` goes into its spec.
    pub async fn make(namespace: &'a Namespace, version: &str, more: Value) -> Self {
        let mut spec = json!({
            "version": version,
            "database": "shop",
            "storage": {"onDelete": "Delete"},
            "config": {"innodb_buffer_pool_size": "64M", "loose_innodb_log_file_size": "64M"},
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}},
        });
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        namespace
            .apply(json!({"apiVersion": API, "kind": "MySQL", "metadata": {"name": "shop"}, "spec": spec}))
            .await;
        let database = Self { namespace };
        database.served().await;
        database
    }

    /// Waits until the resource is as its spec says.
    pub async fn served(&self) {
        self.namespace.condition("MySQL", "shop", "Successful", "True").await;
    }

    pub async fn change(&self, spec: Value) {
        self.namespace.patch(API, "MySQL", "shop", json!({"spec": spec})).await;
    }

    pub async fn resource(&self) -> Value {
        self.namespace.get(API, "MySQL", "shop").await.expect("the resource is there")
    }

    /// Waits until the upgrade to a version is over; the condition `Upgraded` then.
    pub async fn upgraded_to(&self, version: &str) -> Value {
        let what = format!("the upgrade to {version} is over");
        let look = || async {
            let resource = self.namespace.get(API, "MySQL", "shop").await?;
            let upgrade = &resource["status"]["upgrade"];
            let over = upgrade["phase"] == "Done" || upgrade["phase"] == "RolledBack";
            let condition = condition_of(&resource, "Upgraded")?;
            let told = condition["message"].as_str().is_some_and(|text| !text.is_empty());
            let successful = condition_of(&resource, "Successful").is_some_and(|c| c["status"] == "True");
            (over && upgrade["to"] == version && told && successful).then_some(condition)
        };
        self.namespace.until_patiently(&what, Duration::from_secs(1200), look).await.0
    }

    /// Waits until the upgrade is in one of these phases.
    pub async fn phase(&self, phases: &[&str]) {
        let look = || async {
            let resource = self.namespace.get(API, "MySQL", "shop").await?;
            let phase = resource["status"]["upgrade"]["phase"].as_str()?.to_owned();
            phases.contains(&phase.as_str()).then_some(())
        };
        self.namespace.until(&format!("the upgrade is in one of {phases:?}"), look).await;
    }

    /// Runs SQL as root in the active server, as an administrator would.
    pub async fn sql(&self, statements: &str) -> String {
        let resource = self.resource().await;
        let server = resource["status"]["server"].as_str().unwrap_or("shop-mysql").to_owned();
        sql_in(self.namespace, &format!("{server}-0"), statements)
    }

    /// Makes tables of all sorts, with `rows` rows in the large one.
    pub async fn fill(&self, rows: u64) {
        self.sql(SCHEMA).await;
        self.sql("DELIMITER //\nCREATE PROCEDURE note(text VARCHAR(90)) BEGIN INSERT INTO audit (what) VALUES (text); END//")
            .await;
        self.sql(&format!(
            "INSERT INTO customers (name, born, score, tags) SELECT CONCAT('Zoë 🦀 (', seq, '), ''\\\\'), \
             DATE '1970-01-01' + INTERVAL seq DAY, seq / 7, JSON_OBJECT('n', seq) FROM {}",
            numbers(100)
        ))
        .await;
        self.sql(&format!(
            "INSERT INTO orders (customer, item, price, picture, at) SELECT 1 + seq % 100, \
             CONCAT('line\\n(', seq, '), ''x'''), seq / 100, UNHEX(SHA2(seq, 256)), '2026-01-01' + INTERVAL seq SECOND \
             FROM {}",
            numbers(rows)
        ))
        .await;
        self.sql(&format!("INSERT INTO priced (id, price) SELECT seq, seq / 3 FROM {}", numbers(500))).await;
    }

    /// The checksums of all tables but the one that writers write to. The server's own for a table with a
    /// stored generated column differs between 10.11 and 11.8, so that one is summed by hand.
    pub async fn checksums(&self) -> String {
        self.sql(CHECKSUMS).await
    }

    /// What there is beside rows, and that it works.
    pub async fn beside_rows(&self) -> String {
        let mut found = self
            .sql(
                "SELECT table_name FROM information_schema.views WHERE table_schema = 'shop';
                 SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'shop';
                 SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'shop' ORDER BY 1;
                 SELECT event_name FROM information_schema.events WHERE event_schema = 'shop';
                 SELECT twice(21); SELECT COUNT(*), ROUND(SUM(total)) FROM spent;
                 SELECT constraint_name FROM information_schema.referential_constraints WHERE constraint_schema = 'shop';",
            )
            .await;
        found.push_str(
            &self
                .sql("SHOW GRANTS FOR app@'%'")
                .await
                .replace("IDENTIFIED VIA mysql_native_password USING", "IDENTIFIED BY PASSWORD"),
        );
        found
    }
}

/// A table of the numbers from 1 to `count`, as both MariaDB and MySQL can make it.
fn numbers(count: u64) -> String {
    let digits =
        format!("(SELECT 0 AS d{})", (1..10).map(|d| format!(" UNION ALL SELECT {d}")).collect::<String>());
    let places = 0..u32::try_from((count - 1).to_string().len()).expect("a number has few digits");
    let sum: String = places.clone().map(|place| format!(" + p{place}.d * {}", 10_u64.pow(place))).collect();
    let tables: Vec<String> = places.map(|place| format!("{digits} p{place}")).collect();
    format!("(SELECT 1{sum} AS seq FROM {} HAVING seq <= {count}) numbers", tables.join(" CROSS JOIN "))
}

/// Waits until a backup or restore is in a phase; its status then.
pub async fn phase(namespace: &Namespace, kind: &str, name: &str, phase: &str) -> Value {
    let look = || async {
        let status = namespace.get(API, kind, name).await?["status"].clone();
        (status["phase"] == phase).then_some(status)
    };
    namespace.until(&format!("{kind} {name} is {phase}"), look).await.0
}

/// Runs SQL as root in a pod.
pub fn sql_in(namespace: &Namespace, pod: &str, statements: &str) -> String {
    let script = "MYSQL_PWD=$MYSQL_ROOT_PASSWORD \"$(command -v mariadb || command -v mysql)\" --user=root \
                  --skip-column-names --default-character-set=utf8mb4 shop --execute \"$1\" && echo whole";
    let arguments = ["exec", pod, "--container=server", "--", "bash", "-c", script, "bash", statements];
    let reads = ["SELECT", "CHECKSUM", "SHOW"].iter().any(|word| statements.starts_with(word));
    for _ in 0..10 {
        let output = kubectl(namespace, &arguments);
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if let Some(text) = text.strip_suffix("whole") {
            return text.trim().to_owned();
        }
        // On a busy machine kubectl sometimes loses the end of an output; only what reads may be asked again.
        if !reads {
            return text;
        }
    }
    panic!("{statements}: the output never came whole");
}

pub fn kubectl(namespace: &Namespace, arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new("kubectl");
    command.args(["--namespace", &namespace.name]).args(arguments);
    command.output().expect("kubectl is installed")
}

/// A client for each row, and one that keeps its connection: each tells a row only when it was acknowledged.
const WRITERS: &str = r#"
export MYSQL_PWD='app(1)'
client="$(command -v mariadb || command -v mysql) --host=shop-mysql --user=app --connect-timeout=2 --batch --skip-column-names"
( while :; do
    id=$(date +%s%N)
    if $client shop --execute="INSERT INTO journal VALUES ($id, 'short')" 2>/tmp/error; then echo "ack $id"
    else echo "refused $(head -c 200 /tmp/error)"; sleep .05; fi
  done ) &
while :; do
    while :; do id=$(date +%s%N); echo "INSERT INTO journal VALUES ($id, 'long'); SELECT 'ack $id';"; sleep .02; done |
        $client --unbuffered shop 2>/dev/null || true
    sleep .1
done
"#;

/// Clients that write for as long as they live.
pub struct Writers<'a> {
    namespace: &'a Namespace,
}

impl<'a> Writers<'a> {
    /// Starts them, and waits for the first row.
    pub async fn start(namespace: &'a Namespace) -> Self {
        // Its own client.
        let status = &namespace.get(API, "MySQL", "shop").await.expect("the resource is there")["status"];
        let text = |field: &str| status[field].as_str().expect("the server is reported").to_owned();
        let image = format!("{}:{}", text("image"), text("version"));
        namespace
            .apply(json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writers"},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                    "name": "writers", "image": image, "command": ["bash", "-c", WRITERS],
                }]},
            }))
            .await;
        let writers = Self { namespace };
        let look = || async { (writers.log().matches("ack ").count() > 20).then_some(()) };
        namespace.until("rows are written", look).await;
        writers
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&kubectl(self.namespace, &["logs", "writers"]).stdout).into_owned()
    }

    /// Lets them write a while longer and ends them; the rows that were acknowledged, and the refusals.
    pub async fn end(self) -> (BTreeSet<String>, usize) {
        let before = self.log().matches("ack ").count();
        let look = || async { (self.log().matches("ack ").count() > before + 20).then_some(()) };
        self.namespace.until("rows are written again", look).await;
        let log = self.log();
        self.namespace.delete("v1", "Pod", "writers").await;
        self.namespace.gone("v1", "Pod", "writers").await;
        let acknowledged =
            log.lines().filter_map(|line| line.strip_prefix("ack ")).map(str::to_owned).collect();
        (acknowledged, log.lines().filter(|line| line.starts_with("refused")).count())
    }
}

/// Rows that were acknowledged and are not there.
pub async fn lost(database: &Database<'_>, acknowledged: &BTreeSet<String>) -> Vec<String> {
    let there = database.sql("SELECT id FROM journal").await;
    let there: BTreeSet<&str> = there.lines().collect();
    acknowledged.iter().filter(|id| !there.contains(id.as_str())).cloned().collect()
}
