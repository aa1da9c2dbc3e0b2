//! Random commands on sorted sets and positions.

use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;

pub(super) type Words = Vec<Vec<u8>>;

pub(super) struct Generator {
    pub(super) random: SmallRng,
    /// Longitudes and latitudes are scores and members, as it comes.
    pub(super) geo: bool,
    /// All scores are equal, so that ranges of members mean something.
    pub(super) lex: bool,
}

impl Generator {
    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.choose(&mut self.random).expect("there are words")
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn key(&mut self) -> Vec<u8> {
        self.pick(&["a", "b", "c", "d", "e", "text"]).into()
    }

    fn member(&mut self) -> Vec<u8> {
        match self.random.random_range(0..20) {
            0 => Vec::new(),
            1 => self.random.random_range(-3000_i64..70_000).to_string().into(),
            2 => vec![b'x'; self.random.random_range(30..70)],
            3 => (0..self.random.random_range(0..4)).map(|_| self.random.random()).collect(),
            4..=8 => self.random.random_range(0..40).to_string().into(),
            _ => format!("m{}", self.random.random_range(0..60)).into(),
        }
    }

    fn score(&mut self) -> Vec<u8> {
        if self.lex {
            return b"1".to_vec();
        }
        match self.random.random_range(0..40) {
            0 => self
                .pick(&[
                    "inf", "-inf", "+inf", "infinity", "nan", "", "x", "1e400", "1e-400", " 1", "0x10", "1_",
                ])
                .into(),
            1 => self
                .pick(&["4e3", "1e15", "123456789012", "-4503599627370496", "0x.8p1", "1e", "-.5", "5."])
                .into(),
            2..=8 => format!("{}", f64::from(self.random.random_range(-4000_i32..4000)) / 64.0).into(),
            _ => self.random.random_range(-20_i64..20).to_string().into(),
        }
    }

    fn score_bound(&mut self) -> Vec<u8> {
        let score = if self.chance(20) { self.pick(&["-inf", "+inf", "inf"]).into() } else { self.score() };
        if self.chance(25) { [b"(".to_vec(), score].concat() } else { score }
    }

    fn lex_bound(&mut self) -> Vec<u8> {
        match self.random.random_range(0..12) {
            0 | 1 => b"-".to_vec(),
            2 | 3 => b"+".to_vec(),
            4 => self.pick(&["x", "", "--", "+1", "1"]).into(),
            5..=8 => [b"[".to_vec(), self.member()].concat(),
            _ => [b"(".to_vec(), self.member()].concat(),
        }
    }

    fn rank(&mut self) -> Vec<u8> {
        match self.random.random_range(0..25) {
            0 => self
                .pick(&[
                    "x",
                    "",
                    "1.5",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "99999999999999999999",
                ])
                .into(),
            _ => self.random.random_range(-30_i64..30).to_string().into(),
        }
    }

    fn bounds(&mut self, kind: &str) -> [Vec<u8>; 2] {
        match kind {
            "lex" => [self.lex_bound(), self.lex_bound()],
            "score" => [self.score_bound(), self.score_bound()],
            _ => [self.rank(), self.rank()],
        }
    }

    /// Ranges of members have no meaning where scores differ, and no defined result.
    fn range_kind(&mut self) -> &'static str {
        match self.random.random_range(0..3) {
            0 => "rank",
            1 if self.lex => "lex",
            _ => "score",
        }
    }

    fn number(&mut self) -> Vec<u8> {
        match self.random.random_range(0..25) {
            0 => self.pick(&["x", "", "-1", "0", "9223372036854775807", "-9223372036854775808"]).into(),
            _ => self.random.random_range(-1_i64..12).to_string().into(),
        }
    }

    fn limit(&mut self, command: &mut Words) {
        if self.chance(30) {
            command.extend([b"LIMIT".to_vec(), self.number(), self.number()]);
        }
    }

    fn longitude(&mut self) -> Vec<u8> {
        match self.random.random_range(0..20) {
            0 => self.pick(&["180", "-180", "181", "x", "0"]).into(),
            1..=5 => format!("{}", self.random.random_range(-180.0..180.0)).into(),
            _ => format!("{}", self.random.random_range(10.0..16.0)).into(),
        }
    }

    fn latitude(&mut self) -> Vec<u8> {
        match self.random.random_range(0..20) {
            0 => self.pick(&["85.05112878", "-85.05112878", "85.06", "x", "0"]).into(),
            1..=5 => format!("{}", self.random.random_range(-85.0..85.0)).into(),
            _ => format!("{}", self.random.random_range(35.0..40.0)).into(),
        }
    }

    fn length(&mut self) -> Vec<u8> {
        match self.random.random_range(0..20) {
            0 => self.pick(&["-1", "x", "0", "1e9"]).into(),
            1..=3 => self.random.random_range(1..20_000).to_string().into(),
            _ => self.random.random_range(1..600).to_string().into(),
        }
    }

    fn unit(&mut self) -> Vec<u8> {
        self.pick(&["m", "km", "KM", "km", "km", "mi", "ft", "cm"]).into()
    }

    fn words(&mut self, words: &[&str]) -> Words {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    fn add(&mut self) -> Words {
        let mut command = vec![b"ZADD".to_vec(), self.key()];
        if self.chance(30) {
            for _ in 0..self.random.random_range(1..3) {
                let word = self.pick(&["NX", "xx", "GT", "lt", "CH", "INCR", "what"]);
                command.push(if self.lex && word == "INCR" { "NX".into() } else { word.into() });
            }
        }
        for _ in 0..self.random.random_range(1..4) {
            command.extend([self.score(), self.member()]);
        }
        command
    }

    fn range(&mut self) -> Words {
        let kind = self.range_kind();
        let [min, max] = self.bounds(kind);
        let mut command = match self.random.random_range(0..4) {
            0 => vec![b"ZRANGESTORE".to_vec(), self.key()],
            _ => vec![b"ZRANGE".to_vec()],
        };
        command.extend([self.key(), min, max]);
        match kind {
            "score" => command.push(b"BYSCORE".to_vec()),
            "lex" => command.push(b"bylex".to_vec()),
            _ => {}
        }
        if self.chance(30) {
            command.push(b"REV".to_vec());
        }
        self.limit(&mut command);
        if self.chance(30) && command[0] == b"ZRANGE" {
            command.push(b"WITHSCORES".to_vec());
        }
        command
    }

    fn old_range(&mut self) -> Words {
        let (name, kind) = match self.random.random_range(if self.lex { 0..5 } else { 0..3 }) {
            0 => ("ZREVRANGE", "rank"),
            1 => ("ZRANGEBYSCORE", "score"),
            2 => ("ZREVRANGEBYSCORE", "score"),
            3 => ("ZRANGEBYLEX", "lex"),
            _ => ("ZREVRANGEBYLEX", "lex"),
        };
        let [min, max] = self.bounds(kind);
        let mut command = vec![name.into(), self.key(), min, max];
        if kind != "rank" {
            self.limit(&mut command);
        }
        if self.chance(30) {
            command.push(b"WITHSCORES".to_vec());
        }
        command
    }

    fn combine(&mut self) -> Words {
        let name = if self.lex {
            self.pick(&["ZDIFF", "ZDIFFSTORE"])
        } else {
            self.pick(&[
                "ZUNION",
                "ZINTER",
                "ZDIFF",
                "ZUNIONSTORE",
                "ZINTERSTORE",
                "ZDIFFSTORE",
                "ZINTERCARD",
            ])
        };
        let mut command = vec![name.into()];
        if name.ends_with("STORE") {
            command.push(self.key());
        }
        let keys = self.random.random_range(1..4);
        let numkeys = if self.chance(5) { self.number() } else { keys.to_string().into() };
        command.push(numkeys);
        for _ in 0..keys {
            command.push(self.key());
        }
        if self.chance(30) {
            command.push(b"WEIGHTS".to_vec());
            for _ in 0..keys {
                command.push(self.score());
            }
        }
        if self.chance(30) {
            let word = self.pick(&["SUM", "min", "MAX", "avg"]);
            command.extend([b"AGGREGATE".to_vec(), word.into()]);
        }
        match self.random.random_range(0..6) {
            0 | 1 => command.push(b"WITHSCORES".to_vec()),
            2 => command.extend([b"LIMIT".to_vec(), self.number()]),
            _ => {}
        }
        command
    }

    fn geo_search(&mut self) -> Words {
        let mut command = match self.random.random_range(0..4) {
            0 => vec![
                b"GEORADIUS".to_vec(),
                self.key(),
                self.longitude(),
                self.latitude(),
                self.length(),
                self.unit(),
            ],
            1 => vec![b"GEORADIUSBYMEMBER".to_vec(), self.key(), self.member(), self.length(), self.unit()],
            2 => vec![b"GEOSEARCHSTORE".to_vec(), self.key(), self.key()],
            _ => vec![b"GEOSEARCH".to_vec(), self.key()],
        };
        if command[0].starts_with(b"GEOSEARCH") {
            if self.chance(70) {
                command.extend([b"FROMLONLAT".to_vec(), self.longitude(), self.latitude()]);
            } else {
                command.extend([b"FROMMEMBER".to_vec(), self.member()]);
            }
            if self.chance(50) {
                command.extend([b"BYRADIUS".to_vec(), self.length(), self.unit()]);
            } else {
                command.extend([b"BYBOX".to_vec(), self.length(), self.length(), self.unit()]);
            }
        }
        for _ in 0..self.random.random_range(0..4) {
            match self.random.random_range(0..8) {
                0 => command.extend([b"COUNT".to_vec(), self.number()]),
                1 => command.extend([b"COUNT".to_vec(), self.number(), b"ANY".to_vec()]),
                2 if !command[0].starts_with(b"GEOSEARCH") => {
                    let word = self.pick(&["STORE", "STOREDIST"]);
                    command.extend([word.into(), self.key()]);
                }
                _ => {
                    let word =
                        self.pick(&["WITHDIST", "WITHCOORD", "WITHHASH", "ASC", "DESC", "ASC", "STOREDIST"]);
                    command.push(word.into());
                }
            }
        }
        command
    }

    fn geo_command(&mut self) -> Words {
        match self.random.random_range(0..10) {
            0..=2 => {
                let mut command = vec![b"GEOADD".to_vec(), self.key()];
                if self.chance(20) {
                    command.push(self.pick(&["NX", "XX", "CH"]).into());
                }
                for _ in 0..self.random.random_range(1..4) {
                    command.extend([self.longitude(), self.latitude(), self.member()]);
                }
                command
            }
            3 => vec![b"GEOPOS".to_vec(), self.key(), self.member(), self.member()],
            4 => vec![b"GEOHASH".to_vec(), self.key(), self.member(), self.member()],
            5 => {
                let mut command = vec![b"GEODIST".to_vec(), self.key(), self.member(), self.member()];
                if self.chance(50) {
                    command.push(self.unit());
                }
                command
            }
            _ => self.geo_search(),
        }
    }

    pub(super) fn command(&mut self) -> Words {
        let mut command = if self.geo && self.chance(70) { self.geo_command() } else { self.plain_command() };
        match self.random.random_range(0..80) {
            0 => command.truncate(command.len() - 1),
            // 7.2 takes one argument more than 7.0.
            1 if !command[0].ends_with(b"RANK") => command.push(self.member()),
            _ => {}
        }
        command
    }

    fn plain_command(&mut self) -> Words {
        match self.random.random_range(0..60) {
            0..=14 => self.add(),
            15..=17 if self.lex => self.add(),
            15..=17 => vec![b"ZINCRBY".to_vec(), self.key(), self.score(), self.member()],
            18..=20 => vec![b"ZREM".to_vec(), self.key(), self.member(), self.member()],
            21 => vec![b"ZCARD".to_vec(), self.key()],
            22 => vec![b"ZSCORE".to_vec(), self.key(), self.member()],
            23 => vec![b"ZMSCORE".to_vec(), self.key(), self.member(), self.member()],
            24 | 25 => {
                let name = self.pick(&["ZRANK", "ZREVRANK"]);
                vec![name.into(), self.key(), self.member()]
            }
            26 | 27 => {
                let (name, kind) = if self.lex { ("ZLEXCOUNT", "lex") } else { ("ZCOUNT", "score") };
                let [min, max] = self.bounds(kind);
                vec![name.into(), self.key(), min, max]
            }
            28..=34 => self.range(),
            35..=39 => self.old_range(),
            40 => {
                let kind = self.range_kind();
                let name = format!("ZREMRANGEBY{}", kind.to_uppercase());
                let [min, max] = self.bounds(kind);
                vec![name.into(), self.key(), min, max]
            }
            41 | 42 => {
                let mut command = vec![self.pick(&["ZPOPMIN", "ZPOPMAX"]).into(), self.key()];
                if self.chance(50) {
                    command.push(self.number());
                }
                command
            }
            43 => {
                let mut command = vec![b"ZMPOP".to_vec(), b"2".to_vec(), self.key(), self.key()];
                command.push(self.pick(&["MIN", "max", "mid"]).into());
                if self.chance(50) {
                    command.extend([b"COUNT".to_vec(), self.number()]);
                }
                command
            }
            44 => {
                let mut command = vec![b"ZRANDMEMBER".to_vec(), self.key(), self.number()];
                if self.chance(40) {
                    command.push(b"WITHSCORES".to_vec());
                }
                command
            }
            45 => {
                let mut command = vec![b"ZSCAN".to_vec(), self.key(), b"0".to_vec()];
                command.extend(self.words(&["COUNT", "100000"]));
                match self.random.random_range(0..4) {
                    0 => command.extend(self.words(&["MATCH", "m[1-3]*"])),
                    1 => command.push(self.pick(&["TYPE", "COUNT", "MATCH"]).into()),
                    _ => {}
                }
                command
            }
            46..=52 => self.combine(),
            53 => vec![b"DUMP".to_vec(), self.key()],
            54 => vec![b"COPY".to_vec(), self.key(), self.key(), b"REPLACE".to_vec()],
            55 => vec![b"RENAME".to_vec(), self.key(), self.key()],
            56 => vec![b"DEL".to_vec(), self.key()],
            57 => vec![b"SET".to_vec(), b"text".to_vec(), self.member()],
            _ => vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), self.key()],
        }
    }
}
