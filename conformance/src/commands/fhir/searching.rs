//! Searching and paging.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::super::report::{Finding, Report, hold};
use super::{Setting, ids, link, matches, refused};

const GROUP: &str = "searching";

/// Pages that a walk follows at most.
const MOST_PAGES: usize = 200;

/// Looks at all of it.
pub async fn run(setting: &Setting<'_>, report: &mut Report) {
    let mut add = |name, source, finding: Finding| report.found(GROUP, name, source, finding);
    add("GET and POST _search mean the same", "R-070", posted(setting).await);
    add(
        "no match is an empty searchset without entry",
        "R-071",
        nothing(setting).await,
    );
    add("the self link says what was used", "R-072", self_link(setting).await);
    add("following next gives each match once", "R-073", walk(setting, 2).await);
    add(
        "entries have mode and an absolute fullUrl",
        "R-075",
        entries(setting).await,
    );
    add("a comma is or, repeated is and", "R-077", and_or(setting).await);
    add(
        "an unknown modifier is 400",
        "R-078",
        refuse(setting, "&code:rock=x").await,
    );
    add(
        "a date that is none is 400",
        "R-078",
        refuse(setting, "&date=soon").await,
    );
    add(
        "an unknown code finds nothing",
        "R-078",
        none_of(setting, "code=rock-nobody-has").await,
    );
    add("an empty parameter is ignored", "R-079", empty(setting).await);
    add("_count limits a page", "R-081", count(setting).await);
    add("_summary=count is the number alone", "R-082", counted(setting).await);
    add(
        "_summary and _elements together are refused",
        "R-082",
        refuse(setting, "&_summary=true&_elements=code").await,
    );
    add(
        "_elements cuts matches and marks them",
        "R-083",
        elements(setting).await,
    );
    add("_total=accurate is what a walk finds", "R-084", total(setting).await);
    add(
        "_sort=date and -date are each other's reverse",
        "R-085",
        sorted(setting).await,
    );
    add("_include brings the patient", "R-086", include(setting).await);
    add("_id finds that one", "R-087", by_id(setting).await);
    add("system|code finds what code finds", "R-088", token(setting).await);
    add(
        "a reference with its type is the same",
        "R-089",
        reference(setting).await,
    );
    add(
        "another patient is nothing, or refused",
        "R-094",
        another(setting).await,
    );
    add("a chain is refused", "R-093", refuse(setting, "&patient.name=x").await);
    add(
        "strict handling refuses what is unknown",
        "R-014",
        strict(setting).await,
    );
    add("lenient handling leaves it out", "R-014", lenient(setting).await);
    add("ge and lt of a day part the whole", "R-105", dates(setting).await);
    add("$lastn gives the latest", "R-125", lastn(setting).await);
    add(
        "$everything begins with the patient",
        "R-129",
        everything(setting).await,
    );
    add("an unknown operation is refused", "R-130", operation(setting).await);
}

async fn all(setting: &Setting<'_>, more: &str) -> Result<Vec<String>, String> {
    let mut bundle = setting.bundle(&setting.search(more)).await?;
    let mut found = ids(&bundle);
    for _ in 0..MOST_PAGES {
        let Some(next) = link(&bundle, "next") else {
            return Ok(found);
        };
        bundle = setting.bundle(&next).await?;
        found.extend(ids(&bundle));
    }
    Err("the walk does not end".to_owned())
}

async fn posted(setting: &Setting<'_>) -> Finding {
    let by_get = ids(&setting.bundle(&setting.search("&_count=5")).await?);
    let arguments = setting.arguments;
    let fields = [
        ("patient", arguments.patient.as_str()),
        ("code", &arguments.code),
        ("_count", "5"),
    ];
    let answer = setting
        .client
        .send(Method::POST, &setting.url("Observation/_search"), |request| {
            request.bearer_auth(&setting.token).form(&fields)
        })
        .await?;
    hold(answer.status == 200 && ids(&answer.json()) == by_get, || {
        answer.status.to_string()
    })
}

async fn nothing(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle("Observation?code=rock-nobody-has").await?;
    hold(
        bundle["type"] == "searchset" && matches(&bundle).is_empty() && bundle["entry"] != serde_json::json!([]),
        || "an empty array, or a match".to_owned(),
    )
}

async fn self_link(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=1&rock=1")).await?;
    let own = link(&bundle, "self").ok_or("no self link")?;
    hold(own.contains("code=") && !own.contains("rock"), || own.clone())
}

async fn walk(setting: &Setting<'_>, count: usize) -> Finding {
    let paged = all(setting, &format!("&_count={count}")).await?;
    let whole = all(setting, "&_count=1000").await?;
    let distinct: BTreeSet<&String> = paged.iter().collect();
    hold(distinct.len() == paged.len() && paged == whole, || {
        format!(
            "{} in pages, {} distinct, {} in one",
            paged.len(),
            distinct.len(),
            whole.len()
        )
    })
}

async fn entries(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=3")).await?;
    let is_whole = |entry: &Value| {
        let url = entry["fullUrl"].as_str().unwrap_or_default();
        url.starts_with("http") && url.ends_with(entry["resource"]["id"].as_str().unwrap_or("?"))
    };
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let own = entries.iter().filter(|entry| entry["search"]["mode"] == "match");
    hold(own.clone().count() == 3 && own.clone().all(is_whole), || {
        "a mode or a fullUrl is missing".to_owned()
    })
}

async fn and_or(setting: &Setting<'_>) -> Finding {
    let code = &setting.arguments.code;
    let or = ids(&setting
        .bundle(&format!("Observation?code=rock,{code}&_count=3"))
        .await?);
    let and = ids(&setting
        .bundle(&format!("Observation?code=rock&code={code}&_count=3"))
        .await?);
    hold(or.len() == 3 && and.is_empty(), || {
        format!("{} by or, {} by and", or.len(), and.len())
    })
}

async fn refuse(setting: &Setting<'_>, more: &str) -> Finding {
    refused(&setting.get(&setting.search(more)).await?, 400)
}

async fn none_of(setting: &Setting<'_>, query: &str) -> Finding {
    let found = ids(&setting.bundle(&format!("Observation?{query}")).await?);
    hold(found.is_empty(), || format!("{} found", found.len()))
}

async fn empty(setting: &Setting<'_>) -> Finding {
    let with = ids(&setting.bundle(&setting.search("&_count=3&status=")).await?);
    let without = ids(&setting.bundle(&setting.search("&_count=3")).await?);
    hold(with == without, || "another answer".to_owned())
}

async fn count(setting: &Setting<'_>) -> Finding {
    let found = ids(&setting.bundle(&setting.search("&_count=2")).await?);
    hold(found.len() <= 2, || format!("{} on a page of 2", found.len()))
}

async fn counted(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_summary=count")).await?;
    let whole = all(setting, "&_count=1000").await?.len();
    hold(bundle["total"] == whole && bundle.get("entry").is_none(), || {
        format!("{} for {whole}, or with entries", bundle["total"])
    })
}

async fn elements(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=2&_elements=category")).await?;
    let is_cut = |resource: &&Value| {
        resource["meta"]["tag"].to_string().contains("SUBSETTED") && resource.get("subject").is_none()
    };
    hold(matches(&bundle).iter().all(is_cut), || {
        "not cut or not marked".to_owned()
    })
}

async fn total(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=2&_total=accurate")).await?;
    let whole = all(setting, "&_count=1000").await?.len();
    hold(bundle["total"] == whole, || format!("{} for {whole}", bundle["total"]))
}

async fn sorted(setting: &Setting<'_>) -> Finding {
    let up = all(setting, "&_sort=date&_count=1000").await?;
    let mut down = all(setting, "&_sort=-date&_count=1000").await?;
    down.reverse();
    let (first, second): (BTreeSet<_>, BTreeSet<_>) = (up.iter().collect(), down.iter().collect());
    hold(first == second && up.first() == down.first(), || {
        "not the reverse".to_owned()
    })
}

async fn include(setting: &Setting<'_>) -> Finding {
    let bundle = setting
        .bundle(&setting.search("&_count=2&_include=Observation:patient"))
        .await?;
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let patients = entries
        .iter()
        .filter(|entry| entry["search"]["mode"] == "include" && entry["resource"]["resourceType"] == "Patient");
    hold(patients.count() == 1, || "not one Patient".to_owned())
}

async fn by_id(setting: &Setting<'_>) -> Finding {
    let one = ids(&setting.bundle(&setting.search("&_count=1")).await?);
    let id = one.first().ok_or("nothing found")?;
    let found = ids(&setting.bundle(&format!("Observation?_id={id}")).await?);
    hold(found == one, || format!("{} found", found.len()))
}

async fn token(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=3")).await?;
    let found = matches(&bundle);
    let first = found.first().ok_or("nothing found")?;
    let codings = first["code"]["coding"].as_array().cloned().unwrap_or_default();
    let coding = codings
        .iter()
        .find(|coding| coding["code"] == setting.arguments.code.as_str());
    let system = coding
        .and_then(|coding| coding["system"].as_str())
        .ok_or("the code has no system")?;
    let with_system = format!("Observation?code={system}%7C{}&_count=3", setting.arguments.code);
    hold(ids(&setting.bundle(&with_system).await?) == ids(&bundle), || {
        "another answer".to_owned()
    })
}

async fn reference(setting: &Setting<'_>) -> Finding {
    let (patient, code) = (&setting.arguments.patient, &setting.arguments.code);
    let usual = ids(&setting.bundle(&setting.search("&_count=2")).await?);
    for form in [
        format!("subject=Patient/{patient}"),
        format!("subject:Patient={patient}"),
    ] {
        let found = ids(&setting
            .bundle(&format!("Observation?{form}&code={code}&_count=2"))
            .await?);
        if found != usual {
            return Err(format!("{form} finds something else"));
        }
    }
    Ok(())
}

async fn another(setting: &Setting<'_>) -> Finding {
    let answer = setting
        .get("Observation?patient=aaaaaaaaaaaaaaaaaaaaaaaaaa&_count=1")
        .await?;
    let is_nothing = answer.status == 200 && matches(&answer.json()).is_empty();
    hold(is_nothing || answer.status == 403, || answer.status.to_string())
}

async fn strict(setting: &Setting<'_>) -> Finding {
    let path = setting.search("&rock=1");
    refused(
        &setting
            .send(Method::GET, &path, &[("prefer", "handling=strict")])
            .await?,
        400,
    )
}

async fn lenient(setting: &Setting<'_>) -> Finding {
    let with = ids(&setting.bundle(&setting.search("&_count=3&rock=1")).await?);
    let without = ids(&setting.bundle(&setting.search("&_count=3")).await?);
    hold(with == without, || "another answer".to_owned())
}

async fn dates(setting: &Setting<'_>) -> Finding {
    let bundle = setting.bundle(&setting.search("&_count=3&_sort=-date")).await?;
    let found = matches(&bundle);
    let day = found
        .last()
        .and_then(|resource| {
            resource["effectiveDateTime"]
                .as_str()
                .or(resource["effectivePeriod"]["start"].as_str())
        })
        .and_then(|text| text.get(..10))
        .ok_or("no effective time")?;
    let before = all(setting, &format!("&date=lt{day}&_count=1000")).await?;
    let since = all(setting, &format!("&date=ge{day}&_count=1000")).await?;
    let whole = all(setting, "&_count=1000").await?;
    let parts: BTreeSet<&String> = before.iter().chain(&since).collect();
    hold(!since.is_empty() && parts.len() == whole.len(), || {
        format!("{} and {} of {}", before.len(), since.len(), whole.len())
    })
}

async fn lastn(setting: &Setting<'_>) -> Finding {
    let latest = setting
        .bundle(&format!("Observation/$lastn?code={}&max=2", setting.arguments.code))
        .await?;
    let sorted = setting.bundle(&setting.search("&_sort=-date&_count=2")).await?;
    hold(ids(&latest) == ids(&sorted), || "not the two latest".to_owned())
}

async fn everything(setting: &Setting<'_>) -> Finding {
    let bundle = setting
        .bundle(&format!("Patient/{}/$everything?_count=5", setting.arguments.patient))
        .await?;
    let first = matches(&bundle)
        .first()
        .map(|resource| resource["resourceType"].clone());
    hold(first.is_some_and(|kind| kind == "Patient"), || {
        "another resource first".to_owned()
    })
}

async fn operation(setting: &Setting<'_>) -> Finding {
    let answer = setting.get("Observation/$rock").await?;
    hold([400, 404, 501].contains(&answer.status.as_u16()), || {
        answer.status.to_string()
    })
}
