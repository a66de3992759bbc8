//! Stopping: signals, and tasks that do not end unnoticed.

use std::{collections::HashMap, error::Error, future::Future};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at the first SIGTERM or SIGINT, and ends the process at once at the second.
pub fn on_signals(stop: CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let signal = next().await;
        tracing::info!(signal, "stopping; a second signal ends the process at once");
        stop.cancel();
        let signal = next().await;
        tracing::warn!(signal, "ended at once");
        std::process::exit(1);
    });
    Ok(())
}

/// What a task ends with.
pub type TaskResult = Result<(), Box<dyn Error + Send + Sync>>;

/// Background tasks. None of them may end by itself: if one does, the server stops.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<TaskResult>,
    names: HashMap<Id, &'static str>,
}

/// A task that ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// It returned without an error.
    #[error("the task `{0}` ended by itself")]
    Ended(&'static str),
    /// It failed.
    #[error("the task `{0}` failed")]
    Failed(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// It panicked.
    #[error("the task `{0}` panicked")]
    Panicked(&'static str, #[source] JoinError),
}

impl Tasks {
    /// Starts a task that runs until it is told to stop.
    pub fn spawn<E>(&mut self, name: &'static str, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let handle = self.set.spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until a task ends, and says how.
    pub async fn first_end(&mut self) -> TaskError {
        match self.set.join_next_with_id().await {
            Some(ended) => self.error(ended).1,
            None => std::future::pending().await,
        }
    }

    /// Waits until all tasks have ended, which they have been told to. Failures are logged; the first one is
    /// returned.
    pub async fn drain(&mut self) -> Result<(), TaskError> {
        let mut result = Ok(());
        while let Some(ended) = self.set.join_next_with_id().await {
            let (orderly, error) = self.error(ended);
            if !orderly {
                tracing::error!(error = %error, "a task failed while stopping");
                result = result.and(Err(error));
            }
        }
        result
    }

    /// Ends all tasks where they are.
    pub async fn abort(&mut self) {
        self.set.shutdown().await;
    }

    /// How a task ended, and whether that is what a task does when it is told to.
    fn error(&mut self, ended: Result<(Id, TaskResult), JoinError>) -> (bool, TaskError) {
        match ended {
            Ok((id, Ok(()))) => (true, TaskError::Ended(self.name(id))),
            Ok((id, Err(error))) => (false, TaskError::Failed(self.name(id), error)),
            Err(error) => (false, TaskError::Panicked(self.name(error.id()), error)),
        }
    }

    fn name(&mut self, id: Id) -> &'static str {
        self.names.remove(&id).unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_task_is_noticed_with_its_name() {
        let mut tasks = Tasks::default();
        tasks.spawn("patient", std::future::pending::<Result<(), std::io::Error>>());
        tasks.spawn("hasty", async {
            if true {
                panic!("on purpose");
            }
            Ok::<(), std::io::Error>(())
        });
        let error = tasks.first_end().await;
        assert!(matches!(error, TaskError::Panicked("hasty", _)), "{error}");
        tasks.abort().await;
    }

    #[tokio::test]
    async fn a_failure_while_draining_is_returned() {
        let mut tasks = Tasks::default();
        tasks.spawn("fine", async { Ok::<(), std::io::Error>(()) });
        tasks.spawn("broken", async { Err(std::io::Error::other("no")) });
        assert!(matches!(tasks.drain().await, Err(TaskError::Failed("broken", _))));
    }
}
