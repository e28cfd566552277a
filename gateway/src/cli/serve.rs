//! `sekisho serve`.

use std::process::ExitCode;

use clap::Args;

use super::{CommandError, Place, block_on, open_store};
use crate::{logging, server, state::AppState};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    #[command(flatten)]
    place: Place,
}

/// Serves until told to stop.
pub fn run(arguments: ServeArguments) -> Result<ExitCode, CommandError> {
    let config = arguments.place.config()?;
    logging::start(&config.log);
    block_on(async move {
        let store = open_store(&config).await?;
        let listener = tokio::net::TcpListener::bind(config.http.listen)
            .await
            .map_err(|error| {
                format!(
                    "cannot listen on {} (setting `http.listen`): {error}",
                    config.http.listen
                )
            })?;
        let state = AppState::new(config, store.clone())?;
        tracing::info!(address = %listener.local_addr()?, "serving");
        server::serve(listener, state, axum::Router::new(), server::stop_signal()).await?;
        store.close().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}
