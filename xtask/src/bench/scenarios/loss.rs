//! What kill -9 takes: clients write, the server dies at a random moment, starts again, and is asked for every write that
//! it had acknowledged.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::client::Client;
use crate::bench::load::{Measured, Running, Target, Workload};
use crate::bench::server::Server;

/// What was lost.
pub(super) struct Loss {
    pub(super) acknowledged: u64,
    pub(super) lost: u64,
    /// Between the reply to the oldest lost write and the death; 0 when nothing was lost.
    pub(super) oldest_ms: f64,
    /// From the start until the first answer.
    pub(super) restart: Duration,
}

/// Writes until `delay` is over, then kills the server and starts it again.
pub(super) fn measure(server: &mut Server, workload: &Workload, delay: Duration) -> Result<Loss> {
    let workload =
        Workload { target: Target::Own, read_share: 0.0, duration: delay * 10, ..workload.clone() };
    let load = Running::start(server.address(), &workload)?;
    std::thread::sleep(delay);
    server.kill()?;
    let killed = Instant::now();
    let measured = load.stop()?;
    let killed_ns = (killed - measured.started).as_nanos() as u64;

    let restart = server.restart()?;
    let mut client = Client::connect(server.address())?;
    let mut loss = Loss { acknowledged: 0, lost: 0, oldest_ms: 0.0, restart };
    for (number, replied_ns) in measured.replied_ns.iter().enumerate() {
        let keys = (0..replied_ns.len()).map(|write| Measured::own_key(number, write));
        let exist = client.exist(keys)?;
        loss.acknowledged += replied_ns.len() as u64;
        for (replied_ns, _) in replied_ns.iter().zip(exist).filter(|(_, exists)| !exists) {
            loss.lost += 1;
            loss.oldest_ms = loss.oldest_ms.max(killed_ns.saturating_sub(*replied_ns) as f64 / 1e6);
        }
    }
    Ok(loss)
}
