//! A PostgreSQL for tests: the server that `GANGWAY_TEST_POSTGRES` names, else the installed one, started once a test run.
//!
//! cargo-nextest runs each test in a process of its own, so the server belongs to the process that runs the tests, and
//! all of them find it through one folder. A watchdog stops it and removes the folder when that process has ended.

use std::error::Error;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, parent_id};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait as _, Database};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The address of a new, empty database; `None`, and a line on stderr, where PostgreSQL is not installed. That is an error
/// when `GANGWAY_TEST_REQUIRE` contains `postgres`.
pub(crate) async fn new_database() -> Result<Option<String>> {
    let server = match std::env::var("GANGWAY_TEST_POSTGRES") {
        Ok(url) => url,
        Err(_) => match tokio::task::spawn_blocking(shared_server).await?? {
            Some(port) => format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            None => return left_out(),
        },
    };
    let name = format!("gangway_{}", uuid::Uuid::new_v4().simple());
    let admin = Database::connect(&server).await?;
    admin.execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0")).await?;
    admin.close().await?;
    let mut url = url::Url::parse(&server)?;
    url.set_path(&name);
    Ok(Some(url.into()))
}

fn left_out() -> Result<Option<String>> {
    if std::env::var("GANGWAY_TEST_REQUIRE").is_ok_and(|required| required.contains("postgres")) {
        return Err(
            "PostgreSQL is required but not installed (initdb is neither on PATH nor in /usr/lib/postgresql)"
                .into(),
        );
    }
    eprintln!("LEFT OUT: PostgreSQL is not installed, so this test ran on SQLite only");
    Ok(None)
}

/// The port of the server of this test run, started if no other test has done so.
fn shared_server() -> Result<Option<u16>> {
    let Some(programs) = programs() else {
        return Ok(None);
    };
    let owner = match std::env::var_os("NEXTEST") {
        Some(_) => parent_id(),
        None => std::process::id(),
    };
    let home = std::env::temp_dir().join(format!("gangway-postgres-{owner}"));
    let lock = File::create(home.with_extension("lock"))?;
    lock.lock()?;
    let port_file = home.join("port");
    let running = fs::read_to_string(&port_file)
        .ok()
        .and_then(|port| port.parse().ok())
        .filter(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok());
    if let Some(port) = running {
        return Ok(Some(port));
    }
    let port = start(&programs, &home)?;
    fs::write(&port_file, port.to_string())?;
    watch(&home, owner)?;
    Ok(Some(port))
}

/// The folder of the installed programs, the newest version's first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned));
    let mut packaged: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    packaged.sort();
    on_path
        .chain(packaged.into_iter().rev())
        .find(|folder| folder.join("pg_ctl").exists() && folder.join("initdb").exists())
}

fn start(programs: &Path, home: &Path) -> Result<u16> {
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::create_dir(home)?;
    if is_root()? {
        run(Command::new("chown").arg("postgres").arg(home))?;
    }
    let data = home.join("data");
    run(as_postgres(&programs.join("initdb"))?
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
        .arg(&data))?;
    let mut tries = 3;
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=300 -k {}",
            home.display()
        );
        let started = run(as_postgres(&programs.join("pg_ctl"))?
            .args(["start", "--wait", "--silent", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(home.join("log"))
            .args(["-o", &settings]));
        tries -= 1;
        match started {
            Ok(()) => return Ok(port),
            // Another took the port meanwhile.
            Err(_) if tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

/// Stops the server when the process that runs the tests has ended, however it ended.
fn watch(home: &Path, owner: u32) -> Result<()> {
    let script = r#"while kill -0 "$1" 2>/dev/null; do sleep 1; done
        postmaster=$(head -n 1 "$2/data/postmaster.pid") && kill -QUIT "$postmaster"
        while kill -0 "$postmaster" 2>/dev/null; do sleep 1; done
        rm -rf "$2" "$2.lock""#;
    Command::new("sh")
        .args(["-c", script, "watchdog", &owner.to_string()])
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    Ok(())
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    Ok(command)
}

fn is_root() -> Result<bool> {
    Ok(Command::new("id").arg("-u").output()?.stdout == b"0\n")
}

fn run(command: &mut Command) -> Result<()> {
    let output =
        command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}
