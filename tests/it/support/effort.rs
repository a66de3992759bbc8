//! How much of a test that can go on for ever is done, and from which seed.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use super::random::Random;

/// `long` if `VIDNE_TEST_LONG=1`, else `short`.
pub fn rounds(short: u32, long: u32) -> u32 {
    match env::var("VIDNE_TEST_LONG").as_deref() {
        Ok("1") => long,
        Err(_) | Ok("" | "0") => short,
        Ok(other) => panic!("VIDNE_TEST_LONG is {other}; say 1 for the long runs, or leave it out"),
    }
}

/// `VIDNE_TEST_SEED`, or another one each time. It is printed, so that what fails can be run again.
pub fn seed(of: &str) -> u64 {
    let seed = match env::var("VIDNE_TEST_SEED") {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("VIDNE_TEST_SEED is {text}: give a whole number")),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64 % 1_000_000_007,
    };
    eprintln!("{of}: VIDNE_TEST_SEED={seed} runs this again");
    seed
}

/// Random numbers from [`seed`].
pub fn random(of: &str) -> Random {
    let mut random = Random::new(seed(of).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    // The first of a small seed are small.
    for _ in 0..8 {
        random.below(2);
    }
    random
}
