//! read, vread, history, headers and errors.

use reqwest::Method;
use reqwest::header::{ALLOW, CONTENT_TYPE, ETAG, LAST_MODIFIED, WWW_AUTHENTICATE};
use serde_json::Value;

use super::super::report::{Finding, Report, hold};
use super::{Setting, refused};

const GROUP: &str = "reading";

/// Looks at all of it, with an Observation that was found.
pub async fn run(setting: &Setting<'_>, found: &Value, report: &mut Report) {
    let id = found["id"].as_str().unwrap_or_default();
    let path = format!("Observation/{id}");
    let mut add = |name, source, finding: Finding| report.found(GROUP, name, source, finding);
    add("metadata needs no token", "R-002", metadata(setting).await);
    add(
        "the statement says what a server must say",
        "R-140",
        statement(setting).await,
    );
    add(
        "read answers the resource of that id",
        "R-030",
        read(setting, &path, found).await,
    );
    add(
        "the media type is FHIR JSON in UTF-8",
        "R-003",
        media_type(setting, &path).await,
    );
    add(
        "generic JSON types are answered as asked",
        "R-004",
        generic(setting, &path).await,
    );
    add(
        "a format that is not there is 406",
        "R-005",
        format(setting, &path).await,
    );
    add("_format wins over Accept", "R-007", wins(setting, &path).await);
    add(
        "ETag and Last-Modified are there",
        "R-010",
        headers(setting, &path).await,
    );
    add("ETag is the versionId", "R-011", tag(setting, &path).await);
    add(
        "If-None-Match of the present version is 304",
        "R-012",
        unchanged(setting, &path).await,
    );
    add("HEAD answers the headers alone", "R-017", head(setting, &path).await);
    add(
        "an unknown id is 404",
        "R-031",
        status(setting, "Observation/aaaaaaaaaaaaaaaaaaaaaaaaaa", 404).await,
    );
    add(
        "an id that can be none is 404",
        "R-031",
        status(setting, "Observation/!", 404).await,
    );
    add("an unknown type is 404", "R-042", status(setting, "Rock/1", 404).await);
    add(
        "_elements works on read and marks it",
        "R-033",
        elements(setting, &path).await,
    );
    add(
        "vread of the present version is the resource",
        "R-034",
        vread(setting, &path, found).await,
    );
    add(
        "vread of a version that never was is 404",
        "R-034",
        status(setting, &format!("{path}/_history/999999"), 404).await,
    );
    add(
        "the history of one is a Bundle, newest first",
        "R-035",
        history(setting, &path).await,
    );
    add(
        "_since of a history is an instant",
        "R-036",
        status(setting, &format!("{path}/_history?_since=soon"), 400).await,
    );
    add(
        "a verb that is not offered is 405 with Allow",
        "R-042",
        verb(setting, &path).await,
    );
    add("without a token it is 401", "R-015", without(setting, &path).await);
}

async fn metadata(setting: &Setting<'_>) -> Finding {
    let answer = setting.client.get(&setting.url("metadata")).await?;
    let is_statement = answer.json()["resourceType"] == "CapabilityStatement";
    hold(answer.status == 200 && is_statement, || format!("{}", answer.status))
}

async fn statement(setting: &Setting<'_>) -> Finding {
    let statement = setting.client.get(&setting.url("metadata")).await?.json();
    for name in ["status", "date", "kind", "fhirVersion", "format", "rest"] {
        if statement.get(name).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    hold(
        statement["fhirVersion"] == "4.0.1" && statement["implementation"]["url"].is_string(),
        || "fhirVersion or implementation.url".to_owned(),
    )
}

async fn read(setting: &Setting<'_>, path: &str, found: &Value) -> Finding {
    let answer = setting.get(path).await?;
    hold(answer.status == 200 && answer.json() == *found, || {
        format!("{}, or another resource than the search gave", answer.status)
    })
}

async fn media_type(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.get(path).await?;
    let given = answer.header(CONTENT_TYPE).to_owned();
    hold(given.starts_with("application/fhir+json"), || given.clone())
}

async fn generic(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting
        .client
        .send(Method::GET, &setting.url(path), |request| {
            request.bearer_auth(&setting.token).header("accept", "application/json")
        })
        .await?;
    let given = answer.header(CONTENT_TYPE).to_owned();
    hold(answer.status == 200 && given.contains("json"), || given.clone())
}

async fn format(setting: &Setting<'_>, path: &str) -> Finding {
    refused(&setting.get(&format!("{path}?_format=application/x-rock")).await?, 406)
}

async fn wins(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting
        .client
        .send(Method::GET, &setting.url(&format!("{path}?_format=json")), |request| {
            request.bearer_auth(&setting.token).header("accept", "image/png")
        })
        .await?;
    hold(answer.status == 200, || answer.status.to_string())
}

async fn headers(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.get(path).await?;
    let (tag, modified) = (answer.header(ETAG).to_owned(), answer.header(LAST_MODIFIED).to_owned());
    hold(tag.starts_with("W/\"") && modified.ends_with("GMT"), || {
        format!("{tag} {modified}")
    })
}

async fn tag(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.get(path).await?;
    let version = answer.json()["meta"]["versionId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    hold(answer.header(ETAG) == format!("W/\"{version}\""), || version.clone())
}

async fn unchanged(setting: &Setting<'_>, path: &str) -> Finding {
    let tag = setting.get(path).await?.header(ETAG).to_owned();
    let again = setting.send(Method::GET, path, &[("if-none-match", &tag)]).await?;
    hold(again.status == 304 && again.text.is_empty(), || {
        again.status.to_string()
    })
}

async fn head(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.send(Method::HEAD, path, &[]).await?;
    let has_tag = !answer.header(ETAG).is_empty();
    hold(answer.status == 200 && answer.text.is_empty() && has_tag, || {
        answer.status.to_string()
    })
}

async fn status(setting: &Setting<'_>, path: &str, status: u16) -> Finding {
    refused(&setting.get(path).await?, status)
}

async fn elements(setting: &Setting<'_>, path: &str) -> Finding {
    let cut = setting.get(&format!("{path}?_elements=category")).await?.json();
    let tags = cut["meta"]["tag"].to_string();
    hold(
        tags.contains("SUBSETTED") && cut.get("subject").is_none() && cut["status"].is_string(),
        || "not cut, not marked, or without what is mandatory".to_owned(),
    )
}

async fn vread(setting: &Setting<'_>, path: &str, found: &Value) -> Finding {
    let version = found["meta"]["versionId"].as_str().unwrap_or_default();
    let answer = setting.get(&format!("{path}/_history/{version}")).await?;
    hold(answer.status == 200 && answer.json() == *found, || {
        answer.status.to_string()
    })
}

async fn history(setting: &Setting<'_>, path: &str) -> Finding {
    let bundle = setting.get(&format!("{path}/_history")).await?.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    if bundle["type"] != "history" || entries.is_empty() {
        return Err("no Bundle of type history, or an empty one".to_owned());
    }
    let is_whole = |entry: &Value| {
        entry["fullUrl"].is_string()
            && entry["request"]["method"].is_string()
            && entry["request"]["url"].is_string()
            && entry["response"]["status"].is_string()
    };
    if !entries.iter().all(is_whole) {
        return Err("an entry lacks fullUrl, request or response".to_owned());
    }
    let times: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["resource"]["meta"]["lastUpdated"].as_str())
        .collect();
    hold(times.is_sorted_by(|newer, older| newer >= older), || {
        "not newest first".to_owned()
    })
}

async fn verb(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.send(Method::DELETE, path, &[]).await?;
    let allow = answer.header(ALLOW).to_owned();
    refused(&answer, 405)?;
    hold(allow.contains("GET"), || "no Allow header".to_owned())
}

async fn without(setting: &Setting<'_>, path: &str) -> Finding {
    let answer = setting.client.get(&setting.url(path)).await?;
    let challenge = answer.header(WWW_AUTHENTICATE).to_lowercase();
    refused(&answer, 401)?;
    hold(challenge.starts_with("bearer"), || "no Bearer challenge".to_owned())
}
