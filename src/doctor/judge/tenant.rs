//! One connection and its tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::facts::{Claim, Credential, Login, Seen, State, Tenant, Work};
use super::super::{Check, Finding};
use super::permissions::{permissions, role};
use crate::clock::from_millis;
use crate::directory::refusal::Failure;
use crate::graph::{Domain, Error, Oddity, Organization, Sku, TransportFault, Unreachable};
use crate::settings::Settings;

/// A clock may differ by so many seconds: Entra refuses assertions beyond five minutes.
const MOST_AHEAD: i64 = 2 * 60;
/// A certificate is to be replaced so long before its end.
const MONTH: i64 = 30 * 24 * 60 * 60 * 1000;
/// What waits longer is stuck: Microsoft's longest pauses are minutes.
const STUCK: Duration = Duration::from_hours(1);
/// So many kinds of failures are told.
const MOST_KINDS: usize = 5;

/// What is to be said of one connection and its tenant.
pub fn tenant(seen: &Tenant, now: i64) -> Vec<Finding> {
    let mut findings = vec![state(seen)];
    if seen.state != State::Inactive {
        match &seen.settings {
            Ok(_) => {}
            Err(reason) => findings.push(Finding::fail(
                Check::Settings,
                "unusable",
                "its settings cannot be used",
                format!("{reason}; set them anew with `gangway connection set`."),
            )),
        }
        findings.extend(credential(&seen.credential, now));
        if let (Some(asked), Ok(settings)) = (&seen.seen, &seen.settings) {
            findings.extend(answers(seen, asked, settings));
        }
        findings.push(work(&seen.work));
    }
    findings.into_iter().map(|finding| finding.of(&seen.name)).collect()
}

fn state(seen: &Tenant) -> Finding {
    match &seen.state {
        State::Inactive => {
            Finding::ok(Check::Connection, "it is deactivated: nothing is changed in its tenant")
        }
        State::NeedsAuthorization(why) => Finding::fail(
            Check::Connection,
            "needs_authorization",
            format!("somebody must sign in again: {why}"),
            format!(
                "`gangway connection authorize {}` prints the link for an administrator; pushes are kept until then.",
                seen.name
            ),
        ),
        State::Active if seen.only_in_server => Finding::ok(
            Check::Connection,
            "it is in use; its tenant is the simulator's inside the server, where nothing needs to be checked",
        ),
        State::Active => Finding::ok(Check::Connection, "it is in use"),
    }
}

fn credential(credential: &Credential, now: i64) -> Option<Finding> {
    let date = |at: i64| from_millis(at).date();
    let finding = match credential {
        Credential::Secret => Finding::ok(
            Check::Credential,
            "a client secret; only Microsoft Entra ID knows when it expires, so note the date",
        ),
        Credential::Certificate(end) if *end <= now => Finding::fail(
            Check::Credential,
            "expired",
            format!("the certificate ended on {}", date(*end)),
            "Upload a new one to the app registration (Certificates & secrets) and set it with `gangway connection credential`.",
        ),
        Credential::Certificate(end) if *end - now < MONTH => Finding::warn(
            Check::Credential,
            "expires",
            format!("the certificate ends on {}", date(*end)),
            "Upload a new one to the app registration now, then set it with `gangway connection credential`: both are good meanwhile.",
        ),
        Credential::Certificate(end) => {
            Finding::ok(Check::Credential, format!("a certificate, good until {}", date(*end)))
        }
        Credential::Federated => Finding::ok(Check::Credential, "a federated credential, read from its file"),
        Credential::Delegated { person, granted_at } => {
            Finding::ok(Check::Credential, format!("{person} signed in on {}", date(*granted_at)))
        }
        // The connection's state says it already.
        Credential::NotAuthorized => return None,
        Credential::Unusable(sentence) => {
            Finding::fail(Check::Credential, "unusable", "the credential cannot be used", sentence.clone())
        }
    };
    Some(finding)
}

/// What Microsoft answered. What could not be asked is not told: the finding that stood in the way is.
fn answers(tenant: &Tenant, seen: &Seen, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(seen.login.as_ref().map(|login| login_host(login.as_ref())));
    if let Some(Ok(login)) = &seen.login {
        findings.extend(clock(login));
    }
    match &seen.token {
        Some(Ok(())) => findings.push(Finding::ok(Check::Token, "Microsoft gives one")),
        Some(Err(error)) => findings.push(token(error)),
        None => {}
    }
    findings.extend(seen.organization.as_ref().and_then(|answer| organization(tenant, answer.as_ref())));
    findings.extend(permissions(seen, settings));
    findings.extend(role(seen));
    match &seen.domains {
        Some(Ok(there)) => findings.extend(domains(&tenant.claims, there)),
        Some(Err(error)) => findings.extend(trouble(Check::Domains, error)),
        None => {}
    }
    match &seen.skus {
        Some(Ok(skus)) => findings.extend(licences(skus, settings)),
        Some(Err(error)) => findings.extend(trouble(Check::Licences, error)),
        None => {}
    }
    findings.extend(throttled(seen));
    if !seen.unknown_names.is_empty() {
        findings.push(Finding::warn(
            Check::NeverTouch,
            "unknown",
            format!("nobody in the tenant is {}", seen.unknown_names.join(", ")),
            "A misspelt address protects nobody: correct never_touch with `gangway connection set`.",
        ));
    } else if !settings.never_touch.is_empty() && matches!(seen.organization, Some(Ok(_))) {
        let count = settings.never_touch.len();
        findings.push(Finding::ok(Check::NeverTouch, format!("{count} accounts are never changed")));
    }
    findings
}

fn login_host(answer: Result<&Login, &Unreachable>) -> Finding {
    match answer {
        Ok(Login { odd: None, .. }) => Finding::ok(Check::LoginHost, "it answers"),
        Ok(Login { odd: Some(kind), .. }) => Finding::fail(
            Check::LoginHost,
            "not_microsoft",
            format!("it answers, but not as a login host does ({kind})"),
            "A proxy or a captive portal stands between, or the host is wrong: open it to Gangway, or correct the connection's cloud.",
        ),
        Err(Unreachable { host, reason }) => Finding::fail(
            Check::LoginHost,
            "unreachable",
            format!("{host} is not reached: {reason}"),
            "Check DNS, the firewall and the proxy (HTTPS_PROXY), and for a certificate that is refused, the certificates of this computer.",
        ),
    }
}

fn clock(login: &Login) -> Option<Finding> {
    let ahead = login.ahead?;
    if ahead.abs() <= MOST_AHEAD {
        return Some(Finding::ok(Check::Clock, format!("within {} s of Microsoft's", ahead.abs().max(1))));
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    Some(Finding::warn(
        Check::Clock,
        "skewed",
        format!("this computer's clock is {} s {side} Microsoft's", ahead.abs()),
        "Set it (NTP): certificates sign with the time, and Microsoft refuses what is more than minutes off.",
    ))
}

fn token(error: &Error) -> Finding {
    let code = match error {
        Error::Token(failure) => failure.fault.name(),
        _ => "no_token",
    };
    Finding::fail(Check::Token, code, "Microsoft gives none", error.advice())
}

fn organization(tenant: &Tenant, answer: Result<&Organization, &Error>) -> Option<Finding> {
    let there = match answer {
        Ok(there) => there,
        Err(error) => return trouble(Check::GraphHost, error),
    };
    let name = there.display_name.as_deref().unwrap_or("no name");
    let wanted = uuid::Uuid::parse_str(&tenant.tenant).ok();
    Some(match wanted {
        Some(wanted) if wanted != there.id => Finding::fail(
            Check::Tenant,
            "other_tenant",
            format!("the token is one of {name} ({}), and not of {wanted}", there.id),
            "Correct the connection's tenant, or its application: nothing is to be changed in another's tenant.",
        ),
        _ => Finding::ok(Check::Tenant, format!("{name} ({})", there.id)),
    })
}

/// A refusal of one of the reads; None where another finding tells it.
fn trouble(check: Check, error: &Error) -> Option<Finding> {
    let (check, code) = match error {
        Error::Throttled { .. } | Error::Forbidden(_) => return None,
        Error::Token(_) => (Check::Token, "no_token"),
        Error::Unauthorized(_) => (Check::GraphHost, "token_refused"),
        Error::Transport { fault: TransportFault::Connect, .. } => (Check::GraphHost, "unreachable"),
        Error::Transport { .. } => (Check::GraphHost, "no_answer"),
        Error::Malformed { oddity: Oddity::Redirect, .. } => (Check::GraphHost, "redirect"),
        Error::Malformed { .. } => (Check::GraphHost, "not_microsoft"),
        _ => (check, "refused"),
    };
    let found = match check {
        Check::GraphHost => "Microsoft Graph does not answer as it should",
        _ => "it cannot be read",
    };
    Some(Finding::fail(check, code, found, error.advice()))
}

fn domains(claims: &[Claim], there: &[Domain]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for claim in claims {
        let domain = there.iter().find(|domain| domain.name.eq_ignore_ascii_case(&claim.name));
        let name = &claim.name;
        findings.push(match domain {
            _ if claim.has_another => Finding::fail(
                Check::Domains,
                "clash",
                format!("{name} belongs to another connection, so its users go there"),
                "A domain belongs to one connection: deactivate and remove the other one, or connect this tenant without it.",
            ),
            None => Finding::fail(
                Check::Domains,
                "gone",
                format!("{name} is not a domain of the tenant"),
                "Add and verify it in the Microsoft 365 admin center (Settings, Domains), or connect the tenant without it.",
            ),
            Some(domain) if !domain.is_verified => Finding::fail(
                Check::Domains,
                "unverified",
                format!("{name} is not verified in the tenant, so no account can have an address in it"),
                "Verify it in the Microsoft 365 admin center (Settings, Domains).",
            ),
            Some(domain) if domain.is_federated() => Finding::warn(
                Check::Domains,
                "federated",
                format!("{name} is federated: another identity provider signs its users in"),
                "Passwords for them are refused, and a new account needs onPremisesImmutableId; stop sending passwords for this domain.",
            ),
            Some(_) => {
                Finding::ok(Check::Domains, format!("{name}{}", if claim.is_default { ", the default" } else { "" }))
            }
        });
    }
    if claims.is_empty() {
        findings.push(Finding::warn(
            Check::Domains,
            "none",
            "the connection has no domain, so no user belongs to it",
            "`gangway connection domains NAME --read` takes the tenant's verified ones.",
        ));
    }
    findings
}

fn licences(skus: &[Sku], settings: &Settings) -> Vec<Finding> {
    let usable: Vec<&Sku> = skus.iter().filter(|sku| sku.usable).collect();
    let seats: Vec<String> = usable
        .iter()
        .map(|sku| format!("{} {} of {}", sku.part_number, sku.free().max(0), sku.enabled + sku.warning))
        .collect();
    let mut findings = Vec::new();
    let none_left: Vec<&str> =
        usable.iter().filter(|sku| sku.free() <= 0).map(|sku| sku.part_number.as_str()).collect();
    if usable.is_empty() {
        findings.push(Finding::ok(Check::Licences, "the tenant has none to give"));
    } else {
        findings.push(Finding::ok(Check::Licences, format!("seats left: {}", seats.join(", "))));
    }
    if !none_left.is_empty() {
        findings.push(Finding::warn(
            Check::Licences,
            "no_seats",
            format!("no seat is left of {}", none_left.join(", ")),
            "Users who are to get one are made without it and told as failed: buy seats, or take licences back.",
        ));
    }
    if !usable.is_empty() && settings.usage_location.is_none() {
        findings.push(Finding::ok(
            Check::Licences,
            "usage_location is not set: a user gets a licence only when upstream sends usageLocation",
        ));
    }
    findings
}

/// Whether one of the answers was "too many requests".
fn throttled(seen: &Seen) -> Option<Finding> {
    let failures = [
        seen.organization.as_ref().and_then(|answer| answer.as_ref().err()),
        seen.domains.as_ref().and_then(|answer| answer.as_ref().err()),
        seen.skus.as_ref().and_then(|answer| answer.as_ref().err()),
    ];
    let error = failures.into_iter().flatten().find(|error| matches!(error, Error::Throttled { .. }))?;
    let wait = error.retry_after().map(|wait| format!(" for {} s", wait.as_secs())).unwrap_or_default();
    Some(Finding::warn(
        Check::Throttling,
        "throttled",
        format!("Microsoft takes no more requests{wait}"),
        "Gangway waits by itself and loses nothing; if it lasts, another program uses the same application, or the server has much to do.",
    ))
}

fn work(work: &Work) -> Finding {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in work.failures.iter().filter(|failure| !matches!(failure, Failure::LeftOut { .. })) {
        *kinds.entry(failure.sentence()).or_default() += 1;
    }
    let refused = work
        .failures
        .iter()
        .filter(|failure| matches!(failure, Failure::Refused { .. } | Failure::PasswordSkipped { .. }))
        .count();
    let stuck = work.oldest.is_some_and(|oldest| oldest > STUCK);
    if refused == 0 && !stuck {
        let found = match work.waiting {
            0 => "nothing waits and nothing has failed".to_owned(),
            waiting => format!("{waiting} users and groups wait, which is as it should be"),
        };
        return Finding::ok(Check::Work, found);
    }
    let mut found = format!("{} users and groups wait, {refused} have failed", work.waiting);
    if let Some(oldest) = work.oldest.filter(|_| stuck) {
        found = format!("{found}; the oldest waits for {} min", oldest.as_secs() / 60);
    }
    let mut kinds: Vec<(&str, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told: Vec<String> =
        kinds.iter().take(MOST_KINDS).map(|(sentence, count)| format!("{count}x {sentence}")).collect();
    let advice = if told.is_empty() {
        "Look at /health/ready and at the log: the server that carries work out may not run.".to_owned()
    } else {
        format!("{} Then push them again from upstream.", told.join(" "))
    };
    Finding::warn(Check::Work, if stuck { "stuck" } else { "failed" }, found, advice)
}

#[cfg(test)]
mod tests;
