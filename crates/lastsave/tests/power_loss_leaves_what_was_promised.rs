//! A power cut at any moment leaves what `appendfsync` promised, and a directory that the server starts on.
//!
//! The real program, its real system calls: a library loaded into it writes down what it does to its files, in order.
//! After `kill -9` under load, the journal is replayed on the simulated disk up to many moments, the power is cut there
//! (unsynced pages, lengths and names are lost, torn and reordered), and what is left is a real directory again, on which
//! the program starts. One of these directories is where the next life goes on.

mod harness;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use harness::{
    Disturbance, Forgets, Instance, Journal, Loss, Moment, Program, Promises, Recorder, Replay, Workload,
    files, now_ns, temporary_directory,
};
use lastsave_storage::sim::SimulatedRandom;
use tempfile::TempDir;

const CONNECTIONS: usize = 5;

/// Power cuts in one life of a server.
const CUTS: usize = 6;

/// A server's policy, what else it is told, and how long it works at most.
struct Form {
    policy: &'static str,
    arguments: &'static [&'static str],
    load_ms: u64,
}

/// One after the other; under everysec longer than what may be lost.
const FORMS: [Form; 9] = [
    Form { policy: "always", arguments: &[], load_ms: 1000 },
    Form { policy: "everysec", arguments: &[], load_ms: 3000 },
    Form { policy: "no", arguments: &[], load_ms: 1000 },
    Form { policy: "always", arguments: &["--aof-prepare", "no"], load_ms: 1000 },
    Form {
        policy: "everysec",
        arguments: &["--auto-aof-rewrite-min-size", "100kb", "--auto-aof-rewrite-percentage", "30"],
        load_ms: 3000,
    },
    Form { policy: "no", arguments: &["--aof-use-rdb-preamble", "no"], load_ms: 1000 },
    Form { policy: "always", arguments: &["--aof-timestamp-enabled", "yes"], load_ms: 1000 },
    Form {
        policy: "always",
        arguments: &["--auto-aof-rewrite-min-size", "100kb", "--auto-aof-rewrite-percentage", "30"],
        load_ms: 1000,
    },
    Form { policy: "everysec", arguments: &["--aof-retain-age", "3600"], load_ms: 3000 },
];

/// What a power cut has left, and what must be in it.
struct Image {
    /// Servers start on copies of it.
    directory: TempDir,
    life: Rc<Life>,
    cut_ns: u64,
    longest_sync_ns: u64,
}

/// The life of a server that a power cut has ended.
struct Life {
    /// In force when it began.
    policy: &'static str,
    /// What was safe by then.
    before: Workload,
    /// What was sent and acknowledged in it.
    crashed: Workload,
    promises: Promises,
}

impl Image {
    /// A new machine.
    fn empty() -> Self {
        let workload = Workload::new(CONNECTIONS);
        Self {
            directory: temporary_directory(),
            life: Rc::new(Life {
                policy: FORMS[0].policy,
                before: workload.clone(),
                crashed: workload,
                promises: Promises::of(FORMS[0].policy),
            }),
            cut_ns: 0,
            longest_sync_ns: 0,
        }
    }

    /// A copy for a server to start on, with its path.
    fn copy(&self) -> (TempDir, PathBuf) {
        let copy = temporary_directory();
        files::copy_directory(self.directory.path(), copy.path());
        let path = copy.path().canonicalize().expect("the directory is there");
        (copy, path)
    }

    /// What the server that has started on it holds, and what was acknowledged that it does not.
    fn check(&self, server: &Instance) -> Result<(Workload, Loss), String> {
        let Life { before, crashed, promises, .. } = &*self.life;
        let mut found = before.until(crashed);
        found.find(server.port)?;
        let is_promised = |unit: &Moment| promises.hold(unit, self.cut_ns, self.longest_sync_ns);
        let loss = found.keeps(crashed, self.cut_ns, is_promised)?;
        Ok((found, loss))
    }
}

/// What was done under one policy.
#[derive(Default)]
struct Tally {
    lives: usize,
    /// Lives whose journal could be compared with the directory, and was the same.
    compared: usize,
    cuts: usize,
    records: usize,
    acknowledged: u64,
    /// Acknowledged and not promised, in all cuts together.
    loss: Loss,
}

struct Campaign {
    recorder: Recorder,
    random: SimulatedRandom,
    /// What the disk forgets although it was synced.
    forgets: Forgets,
    tallies: BTreeMap<&'static str, Tally>,
}

impl Campaign {
    /// `None` where system calls cannot be recorded.
    fn new(seed: u64) -> Option<Self> {
        let recorder = Recorder::build()?;
        Some(Self {
            recorder,
            random: SimulatedRandom::new(seed),
            forgets: Forgets::Nothing,
            tallies: BTreeMap::new(),
        })
    }

    /// A server starts on what a power cut has left, works, is killed, and leaves what power cuts at several moments of
    /// its life would have left: all but one, which is for the next life, are checked.
    fn live(&mut self, mut image: Image, form: &Form, disturbance: Disturbance) -> Result<Image, String> {
        let (_copy, directory) = image.copy();
        let mut replay = Replay::from(&directory, self.forgets);
        let mut paths = Default::default();
        let environment = self.recorder.record(&directory, &mut paths);
        let started = start(&directory, form, &environment).and_then(|server| {
            let (before, loss) = image.check(&server)?;
            Ok((server, before, loss))
        });
        let (server, before, loss) = started.map_err(|wrong| self.evidence(&mut image, &wrong))?;
        let mut promises = Promises::of(form.policy);
        let crashed = self.load(server, before.clone(), form, disturbance, &mut promises);

        let journal = self.recorder.journal();
        self.tallies.entry(image.life.policy).or_default().loss.add(&loss);
        let tally = self.tallies.entry(form.policy).or_default();
        tally.lives += 1;
        tally.records += journal.records.len();
        tally.acknowledged += crashed.acknowledged() - before.acknowledged();
        let life = Rc::new(Life { policy: form.policy, before, crashed, promises });
        let is_cut_short = journal.is_cut_short;
        let mut images = self.cut_power(&life, journal, &mut replay);
        if !is_cut_short {
            let is_same = replay.contents() == files::contents(&directory);
            assert!(is_same, "the journal does not tell all that was done to the files");
        }
        let next = images.swap_remove(self.random.index(images.len()));
        let mut loss = Loss::default();
        for mut image in images {
            loss.add(&look(&image, form).map_err(|wrong| self.evidence(&mut image, &wrong))?);
        }
        let tally = self.tallies.entry(form.policy).or_default();
        tally.compared += usize::from(!is_cut_short);
        tally.cuts += CUTS;
        tally.loss.add(&loss);
        Ok(next)
    }

    /// What power cuts at the end of a life and at moments before leave of it.
    fn cut_power(&mut self, life: &Rc<Life>, journal: Journal, replay: &mut Replay) -> Vec<Image> {
        let all = journal.records.len();
        let mut moments: Vec<usize> = (1..CUTS).map(|_| self.random.index(all + 1)).collect();
        moments.push(all);
        moments.sort_unstable();
        let mut records = journal.records.into_iter();
        let mut cut_at = |moment: usize| {
            let done = all - records.len();
            records.by_ref().take(moment - done).for_each(|record| replay.apply(record));
            let image = Image {
                directory: temporary_directory(),
                life: Rc::clone(life),
                cut_ns: replay.now_ns(),
                longest_sync_ns: replay.longest_sync_ns(),
            };
            replay.cut_power(&mut self.random, image.directory.path());
            image
        };
        moments.into_iter().map(&mut cut_at).collect()
    }

    /// Keeps what shows that something is wrong, and says where.
    fn evidence(&mut self, image: &mut Image, wrong: &str) -> String {
        if self.forgets != Forgets::Nothing {
            return wrong.to_owned();
        }
        image.directory.disable_cleanup(true);
        self.recorder.keep();
        let (left, journal) = (image.directory.path().display(), self.recorder.journal_path());
        format!("{wrong}\nwhat the power cut left: {left}; the last journal: {}", journal.display())
    }

    /// Writes until the server is killed, at a random moment.
    fn load(
        &mut self,
        server: Instance,
        workload: Workload,
        form: &Form,
        disturbance: Disturbance,
        promises: &mut Promises,
    ) -> Workload {
        let end = Instant::now() + Duration::from_millis(self.random.pick(form.load_ms / 2..form.load_ms));
        let running = workload.start(server.port);
        let mut client = server.client();
        for step in 0.. {
            if Instant::now() >= end {
                break;
            }
            let (command, sent_ns) = (disturbance.command(step), now_ns());
            let _answer = client.run(command);
            promises.note(command, sent_ns, now_ns());
            std::thread::sleep(Duration::from_millis(20));
        }
        server.kill();
        running.finish()
    }

    fn report(&self) {
        for (policy, tally) in &self.tallies {
            let Tally { lives, compared, cuts, records, acknowledged, loss } = tally;
            let (units, oldest_ms) = (loss.units, loss.oldest_ns / 1_000_000);
            println!(
                "power loss, {policy}: {lives} lives ({compared} journals compared with the directory), {records} \
                 operations on files, {acknowledged} units acknowledged, {cuts} power cuts; not promised and lost: \
                 {units} units, the oldest acknowledged {oldest_ms} ms before the cut"
            );
        }
    }
}

/// Starts a server on an image and checks it; gives what was acknowledged and is not there.
fn look(image: &Image, form: &Form) -> Result<Loss, String> {
    let (_copy, directory) = image.copy();
    let server = start(&directory, form, &[])?;
    let (_, loss) = image.check(&server)?;
    match server.client().run("SET probe 1").as_str() {
        "OK" => Ok(loss),
        other => Err(format!("it does not go on: {other}")),
    }
}

fn start(directory: &Path, form: &Form, environment: &[(&str, &Path)]) -> Result<Instance, String> {
    let arguments = [&["--appendonly", "yes", "--appendfsync", form.policy], form.arguments].concat();
    Instance::try_start(Program::Lastsave, directory, &arguments, environment)
        .map_err(|log| format!("it does not start {arguments:?}:\n{log}"))
}

/// Lives of all forms, and at least one under each policy. A few seconds in a test run; `cargo xtask crash --power-loss
/// SECONDS` goes on for as long as it is told to.
#[test]
fn for_as_long_as_there_is_time() {
    let seconds = std::env::var("LASTSAVE_POWER_LOSS_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(3));
    let seed = u64::from(std::process::id());
    let Some(mut campaign) = Campaign::new(seed) else { return };
    let mut image = Image::empty();
    for life in 0.. {
        if life >= 3 && Instant::now() >= end {
            break;
        }
        // What is found is read whole each time; a directory that has grown big gives way to a new one.
        if life % FORMS.len() == 0 {
            image = Image::empty();
        }
        let form = &FORMS[life % FORMS.len()];
        let disturbance = Disturbance::ALL[(life + life / FORMS.len()) % Disturbance::ALL.len()];
        image = campaign.live(image, form, disturbance).unwrap_or_else(|wrong| {
            campaign.report();
            panic!("power loss, seed {seed}, life {life}, {} {disturbance:?}: {wrong}", form.policy)
        });
    }
    campaign.report();
    println!("power loss: nothing promised was lost");
}

/// The campaign would notice: on a disk that forgets what was synced, promises are broken.
#[test]
fn a_disk_that_forgets_is_noticed() {
    let Some(mut campaign) = Campaign::new(1) else { return };
    for (forgets, form) in [(Forgets::Log, &FORMS[0]), (Forgets::Log, &FORMS[1]), (Forgets::Names, &FORMS[0])]
    {
        campaign.forgets = forgets;
        let mut lives = (0..5).map(|_| campaign.live(Image::empty(), form, Disturbance::Nothing).err());
        let wrong = lives.find_map(|wrong| wrong);
        let Some(wrong) = wrong else { panic!("{}, {forgets:?}: nobody misses what is lost", form.policy) };
        println!("{}, {forgets:?}: {}", form.policy, wrong.lines().next().unwrap_or_default());
    }
}
