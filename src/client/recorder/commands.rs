//! What the driver is asked for.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    book::Item,
    driver::{Driver, Flusher, From},
    handle::{Command, Handed},
};

/// Commands taken in one turn. Those that go to the spool share its transaction.
const COMMANDS: usize = 1_000;

impl Driver {
    /// A command has come; those that wait behind it are taken too.
    pub(super) async fn hear(&mut self, first: Option<Command>) {
        let Some(first) = first else {
            self.deaf = true;
            return;
        };
        let mut handed = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next.take() {
            match command {
                Command::Record(event) => handed.push(event),
                other => {
                    self.take(std::mem::take(&mut handed)).await;
                    self.control(other).await;
                }
            }
            if handed.len() < COMMANDS {
                next = self.commands.try_recv().ok();
            }
        }
        self.take(handed).await;
    }

    pub(super) async fn take(&mut self, handed: Vec<Handed>) {
        if handed.is_empty() {
            return;
        }
        if self.spooling {
            self.shelter(handed.into_iter().map(|event| (event.event, event.reply)).collect()).await;
            return;
        }
        if self.book.waiting() == 0 {
            self.linger_until = Instant::now() + self.options.linger;
        }
        for Handed { tenant, event, reply, room } in handed {
            self.next_place += 1;
            self.book.add(Item { place: self.next_place, tenant, event, from: From::Caller(reply, room) });
        }
    }

    async fn control(&mut self, command: Command) {
        match command {
            Command::Record(event) => self.take(vec![event]).await,
            Command::Flush { failures, reply } => {
                self.flushers.push(Flusher { failures, since: self.failures, reply });
            }
            Command::Refused { limit, reply } => {
                let found = match &mut self.spool {
                    Some(spool) => spool.refused(0, limit).await.map_err(|error| Arc::new(error).into()),
                    None => Ok(Vec::new()),
                };
                // Gone is whoever does not want to know any more; here and below.
                drop(reply.send(found));
            }
            Command::Close { deadline, reply } => {
                // What other handles have handed over already is still heard.
                self.commands.close();
                self.room.close();
                self.closing.get_or_insert((deadline, reply));
            }
        }
    }
}
