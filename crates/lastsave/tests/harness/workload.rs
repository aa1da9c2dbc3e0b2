//! Writers that know what they have written, and what of it was acknowledged.
//!
//! Each connection works on keys of its own, in a fixed sequence of units, so the state of its keys tells how many of
//! its units were executed. The units that are transactions also append the connection's letter to a key that is shared
//! by all connections of a database: it is the order of execution.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use super::units::{State, apply, commands, is_transaction};
use super::{Client, Reply, encode, now_ns, show};

/// Units sent at once.
const PIPELINE: u64 = 48;

/// One connection's past.
#[derive(Clone)]
struct Writer {
    letter: char,
    database: u64,
    /// Units that were acknowledged, or found after a restart.
    acknowledged: u64,
    /// Units that were sent.
    sent: u64,
    /// The state of its keys after the acknowledged units.
    state: State,
    /// Its place in the order of execution: length of the order behind each of its acknowledged transactions.
    places: Vec<usize>,
    /// When its units since the last start were sent and acknowledged.
    moments: Vec<Moment>,
}

/// When a unit was sent and acknowledged, in the kernel's monotonic nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) sent_ns: u64,
    /// `None` if it never was.
    pub(crate) acknowledged_ns: Option<u64>,
}

/// Units that were acknowledged and are not found after a crash.
#[derive(Default)]
pub(crate) struct Loss {
    pub(crate) units: usize,
    /// How long before the crash the first of them was acknowledged.
    pub(crate) oldest_ns: u64,
}

/// All connections' past.
#[derive(Clone)]
pub(crate) struct Workload {
    writers: Vec<Writer>,
}

/// A workload under way.
pub(crate) struct Running {
    threads: Vec<JoinHandle<Writer>>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
}

impl Workload {
    /// Connections that have not written anything yet; they are spread over two databases.
    pub(crate) fn new(connections: usize) -> Self {
        let writer = |index: usize| Writer {
            letter: char::from(b'a' + index as u8),
            database: (index % 2) as u64 * 7,
            acknowledged: 0,
            sent: 0,
            state: State::new(),
            places: Vec::new(),
            moments: Vec::new(),
        };
        Self { writers: (0..connections).map(writer).collect() }
    }

    /// Starts to write, each connection with a thread of its own.
    pub(crate) fn start(self, port: u16) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let threads = self
            .writers
            .into_iter()
            .map(|mut writer| {
                let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
                writer.moments.clear();
                std::thread::spawn(move || {
                    writer.run(port, &stop, &acknowledged);
                    writer
                })
            })
            .collect();
        Running { threads, stop, acknowledged }
    }

    /// Units acknowledged so far, by all connections.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.writers.iter().map(|writer| writer.acknowledged).sum()
    }

    /// What may be found of a state between this one and a later one.
    pub(crate) fn until(&self, later: &Self) -> Self {
        let mut between = self.clone();
        for (writer, later) in between.writers.iter_mut().zip(&later.writers) {
            writer.sent = later.sent;
        }
        between
    }

    /// Compares what a server holds with what was sent: it must be the state after some prefix of the order of
    /// execution, and that prefix must contain everything acknowledged.
    ///
    /// What was found counts as acknowledged from now on.
    pub(crate) fn check(&mut self, port: u16) {
        self.find(port).unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    /// [`check`](Self::check) for those who look for what is wrong.
    pub(crate) fn find(&mut self, port: u16) -> Result<(), String> {
        let mut client = Client::connect(port);
        for database in [0, 7] {
            assert_eq!(client.run(&format!("SELECT {database}")), "OK");
            let found = everything(&mut client);
            let order = found.get(&b"order"[..]).cloned().unwrap_or_default();
            let total = found.get(&b"total"[..]).cloned().unwrap_or_default();
            let mut expected_total = 0;
            let mut expected_order = 0;
            for writer in self.writers.iter_mut().filter(|writer| writer.database == database) {
                writer.find_prefix(&found)?;
                let transactions = writer.check_order(&order)?;
                expected_order += transactions;
                expected_total += (0..writer.acknowledged).filter(|unit| unit % 8 == 7).count();
            }
            let total: usize = String::from_utf8_lossy(&total).parse().unwrap_or(0);
            if (order.len(), total) != (expected_order, expected_total) {
                return Err(format!("database {database}: an order or a counter without its units"));
            }
        }
        Ok(())
    }

    /// Whether this state, found after a crash, has all units of the crashed run for which `is_promised` says so, and
    /// its transactions are where that run's replies said. Gives what was acknowledged by `cut_ns` and is not in it.
    pub(crate) fn keeps(
        &self,
        crashed: &Self,
        cut_ns: u64,
        is_promised: impl Fn(&Moment) -> bool,
    ) -> Result<Loss, String> {
        let mut loss = Loss::default();
        for (found, crashed) in self.writers.iter().zip(&crashed.writers) {
            let sent_before = crashed.sent - crashed.moments.len() as u64;
            let kept = found.acknowledged.saturating_sub(sent_before) as usize;
            let missing = &crashed.moments[kept..];
            if let Some(index) = missing.iter().rposition(&is_promised) {
                let (letter, promised) = (found.letter, sent_before + (kept + index) as u64);
                let sure = found.acknowledged;
                return Err(format!(
                    "writer {letter}: only {sure} units found, and unit {promised} was promised"
                ));
            }
            let acknowledged = missing.iter().filter_map(|unit| unit.acknowledged_ns);
            for at_ns in acknowledged.filter(|at_ns| *at_ns < cut_ns) {
                loss.add(&Loss { units: 1, oldest_ns: cut_ns - at_ns });
            }
            let common = found.places.len().min(crashed.places.len());
            if found.places[..common] != crashed.places[..common] {
                return Err(format!(
                    "writer {}: its transactions were executed in another order",
                    found.letter
                ));
            }
        }
        Ok(loss)
    }
}

impl Loss {
    pub(crate) fn add(&mut self, other: &Self) {
        self.units += other.units;
        self.oldest_ns = self.oldest_ns.max(other.oldest_ns);
    }
}

impl Running {
    /// Units acknowledged in this run.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many units were acknowledged in this run.
    pub(crate) fn wait_for(&self, units: u64) {
        super::eventually("the workload's progress", || {
            self.acknowledged() >= units || self.threads.iter().any(JoinHandle::is_finished)
        });
        assert!(self.acknowledged() >= units, "a writer has stopped");
    }

    /// Lets every connection complete what it has sent, or lose its connection.
    pub(crate) fn finish(self) -> Workload {
        self.stop.store(true, Ordering::Relaxed);
        let join = |thread: JoinHandle<Writer>| thread.join().expect("the writer has met no wrong reply");
        Workload { writers: self.threads.into_iter().map(join).collect() }
    }
}

/// All keys of the selected database.
fn everything(client: &mut Client) -> State {
    let Reply::Array(keys) = client.command(&["KEYS", "*"]) else { panic!("KEYS gives an array") };
    let keys: Vec<Vec<u8>> = keys.into_iter().map(bytes).collect();
    let mut state = State::new();
    for keys in keys.chunks(200) {
        let mut words = vec![b"MGET".to_vec()];
        words.extend_from_slice(keys);
        let Reply::Array(values) = client.command(&words) else { panic!("MGET gives an array") };
        state.extend(keys.iter().cloned().zip(values.into_iter().map(bytes)));
    }
    state
}

fn bytes(reply: Reply) -> Vec<u8> {
    match reply {
        Reply::Bulk(bytes) => bytes,
        other => panic!("{other:?} is no string"),
    }
}

impl Writer {
    /// Writes until told to stop, or until the server is gone.
    fn run(&mut self, port: u16, stop: &AtomicBool, acknowledged: &AtomicU64) {
        let Ok(mut client) = Client::try_connect(port) else { return };
        if client.try_write(&encode(&["SELECT", &self.database.to_string()])).is_err()
            || client.try_read().is_none()
        {
            return;
        }
        loop {
            // Two pipelines are under way: the server never waits for this client.
            let goes_on = !stop.load(Ordering::Relaxed);
            if goes_on {
                let pipeline: Vec<u8> =
                    (self.sent..self.sent + PIPELINE).flat_map(|unit| self.request(unit)).collect();
                self.sent += PIPELINE;
                let moment = Moment { sent_ns: now_ns(), acknowledged_ns: None };
                self.moments.extend([moment; PIPELINE as usize]);
                if client.try_write(&pipeline).is_err() {
                    return;
                }
            }
            let limit = if goes_on { self.sent.saturating_sub(PIPELINE) } else { self.sent };
            while self.acknowledged < limit {
                if !self.read_unit(&mut client) {
                    return;
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Reads the replies of one unit; false when the connection is gone.
    fn read_unit(&mut self, client: &mut Client) -> bool {
        let unit = self.acknowledged;
        let mut last = Reply::Null;
        for _ in 0..commands(self.letter, unit).len() {
            match client.try_read() {
                Some(Reply::Error(text)) => {
                    panic!("writer {} unit {unit}: {}", self.letter, String::from_utf8_lossy(&text))
                }
                Some(reply) => last = reply,
                None => return false,
            }
        }
        if is_transaction(unit) {
            let Reply::Array(results) = &last else { panic!("EXEC gives {}", show(&last)) };
            let Some(Reply::Integer(length)) = results.last() else { panic!("EXEC gives {}", show(&last)) };
            self.places.push(*length as usize);
        }
        apply(&mut self.state, self.letter, unit);
        let sent_before = self.sent - self.moments.len() as u64;
        self.moments[(unit - sent_before) as usize].acknowledged_ns = Some(now_ns());
        self.acknowledged += 1;
        true
    }

    fn request(&self, unit: u64) -> Vec<u8> {
        commands(self.letter, unit).iter().flat_map(|command| encode(command)).collect()
    }

    /// Finds how many of the units were executed.
    fn find_prefix(&mut self, found: &State) -> Result<(), String> {
        let prefix = format!("{}:", self.letter).into_bytes();
        let found: State = found
            .iter()
            .filter(|(key, _)| key.starts_with(&prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let acknowledged = self.state.clone();
        for unit in self.acknowledged..=self.sent {
            if self.state == found {
                self.acknowledged = unit;
                self.sent = unit;
                return Ok(());
            }
            apply(&mut self.state, self.letter, unit);
        }
        let differing: Vec<String> = acknowledged
            .iter()
            .filter(|(key, value)| found.get(*key) != Some(*value))
            .map(|(key, value)| {
                let shorten = |value: &[u8]| value[..value.len().min(40)].escape_ascii().to_string();
                let got = found.get(key).map_or("nothing".to_owned(), |value| shorten(value));
                format!("{}: acknowledged {}, found {got}", key.escape_ascii(), shorten(value))
            })
            .collect();
        Err(format!(
            "writer {}: the keys are not as after any of the units {} (acknowledged) to {} (sent):\n{}",
            self.letter,
            self.acknowledged,
            self.sent,
            differing.join("\n")
        ))
    }

    /// Compares its transactions with the order of execution; gives how many there are.
    fn check_order(&mut self, order: &[u8]) -> Result<usize, String> {
        for place in &self.places {
            let got = order.get(place - 1).copied().map(char::from);
            if got != Some(self.letter) {
                return Err(format!(
                    "writer {}: its acknowledged transaction at {place} is not in the order",
                    self.letter
                ));
            }
        }
        let transactions = (0..self.acknowledged).filter(|unit| is_transaction(*unit)).count();
        let found: Vec<usize> = order
            .iter()
            .enumerate()
            .filter(|(_, byte)| char::from(**byte) == self.letter)
            .map(|(index, _)| index + 1)
            .collect();
        if found.len() != transactions {
            return Err(format!("writer {}: units and order disagree", self.letter));
        }
        self.places = found;
        Ok(transactions)
    }
}
