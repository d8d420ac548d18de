//! The rules, as data.

use super::Dialect::{self, Authentik, Entra, JumpCloud, Keycloak, Okta, OneLogin, PingOne};

/// A way in which requests are written that the RFC does not ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Habit {
    /// `externalId eq annb`
    UnquotedStrings,
    /// `"active": "False"`
    BooleansAsText,
    /// `"operations": [{"OP": "Replace"}]`
    NamesInAnyCase,
    /// `emails [ type eq "work" ] . value`
    Blanks,
    /// `"name.givenName": "Ann"` and `"urn:…:User:department": "Sales"` as keys
    FlattenedKeys,
    /// `"manager": "26118915-6090-4610-87e4-49d8ca9f808d"`
    BareReferences,
    /// One value for a list, a list of one for a value.
    OneOrList,
    /// `replace emails[type eq "work"].value` where there is none.
    MissingValueMade,
    /// `remove members` with a value.
    RemoveByValue,
    /// `members[…].$ref`, `display` and `type` in a client's words.
    MemberDetails,
    /// `emails eq "ann@contoso.example"`
    ComplexCompared,
    /// `emails[type eq "work"].value eq "…"`
    ComparedBehindBrackets,
    /// `primary eq "True"`
    BooleansInQuotes,
    /// `urn:scim:schemas:core:1.0` and other URNs in `schemas`.
    ForeignSchemas,
    /// `id`, `meta`, `groups` and attributes that nobody knows, in a body.
    PassedOver,
    /// `urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User`
    EntraExtension,
    /// `"x509Certificates": [{"value": ""}]`
    BlankForNothing,
}

/// One rule of how requests are read.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is about.
    pub habit: Habit,
    /// The clients that are known to write so; those to whom it is kept, if it is kept to some.
    pub clients: &'static [Dialect],
    /// Whether it contradicts the RFC and so is for these clients alone, and not for everybody.
    pub named_only: bool,
    /// What is understood.
    pub what: &'static str,
    /// Why, and what the RFC says to it.
    pub why: &'static str,
}

const fn everybody(habit: Habit, clients: &'static [Dialect], what: &'static str, why: &'static str) -> Rule {
    Rule { habit, clients, named_only: false, what, why }
}

pub(super) static RULES: [Rule; 17] = [
    Rule {
        habit: Habit::UnquotedStrings,
        clients: &[Entra],
        named_only: true,
        what: "A filter, also in a path, may compare with a word without quotes: externalId eq annb.",
        why: "Entra's documentation shows such probes, and its group patches name members so. RFC 7644 figure 1 wants \
              a JSON value, and a server that keeps to it answers 400 invalidFilter.",
    },
    everybody(
        Habit::BooleansAsText,
        &[Entra, Keycloak],
        "A boolean may be \"True\" or \"false\", in any case.",
        "Entra sends active so unless it is told to be compliant, and Keycloak's extension always does. RFC 7643 \
         §2.3.2 knows true and false; no other meaning is taken from the text.",
    ),
    everybody(
        Habit::NamesInAnyCase,
        &[Entra],
        "Operations, op, path and value, and the words add, remove and replace, match in any case.",
        "Entra writes Replace, Microsoft's own client operations. RFC 7643 §2.1 says it of attributes, and RFC 7644 \
         does not say otherwise of messages.",
    ),
    everybody(
        Habit::Blanks,
        &[Entra],
        "Blanks are passed over at both ends of a path, of a filter and inside brackets.",
        "Attribute mappings are typed by hand. RFC 7644 figure 1 has one blank between words and none else.",
    ),
    everybody(
        Habit::FlattenedKeys,
        &[Entra],
        "Keys of a body or of a value without path may be dotted, or stand behind their schema's URN.",
        "Entra sends name.givenName and urn:…:User:employeeNumber as keys. RFC 7644 §3.10 has this notation for \
         paths, and is silent on keys.",
    ),
    everybody(
        Habit::BareReferences,
        &[Entra],
        "A bare string for a complex value means its value: a manager, a member, an e-mail address.",
        "Entra sends the manager's id alone. RFC 7643 §2.3.8 wants an object; there is one sub-attribute that a string can mean.",
    ),
    everybody(
        Habit::OneOrList,
        &[Entra, Keycloak],
        "One value stands for a list of it, and a list of one for its value.",
        "Mappings without a type do so. RFC 7643 §2.4 has lists only; nothing else can be meant.",
    ),
    everybody(
        Habit::MissingValueMade,
        &[Entra],
        "An add, or a replace of a value, at emails[type eq \"work\"] makes the element when there is none.",
        "Entra sends replace for what it has never sent before. RFC 7644 §3.5.2.3 says noTarget of a replace, and of an \
         add nothing; a replace of anything but the value stays noTarget. Only filters that are plain equalities, and not on the value itself, are enough to make an element.",
    ),
    everybody(
        Habit::RemoveByValue,
        &[Entra],
        "A remove of a multi-valued attribute with a value removes that value alone.",
        "Entra removes members so, and a server that passes the value over empties the group. RFC 7644 §3.5.2.2 has \
         filters for this, and is silent on a value.",
    ),
    everybody(
        Habit::MemberDetails,
        &[Entra, Okta],
        "A member's $ref, display and type are passed over; its value decides.",
        "Entra sends a $ref that is null, Okta the user's name. They are the server's to say (RFC 7643 §4.2); the id is enough.",
    ),
    everybody(
        Habit::ComplexCompared,
        &[PingOne],
        "In a filter, a complex attribute stands for its value: emails eq \"ann@contoso.example\".",
        "PingOne asks so. RFC 7644 §3.4.2.2 has such an example itself, emails co \"example.com\".",
    ),
    everybody(
        Habit::ComparedBehindBrackets,
        &[Entra],
        "In a filter, emails[type eq \"work\"].value eq \"x\" asks for one element that fulfils both.",
        "Entra matches by such attributes. RFC 7644 figure 1 has it in paths only, and nothing else can be meant.",
    ),
    everybody(
        Habit::BooleansInQuotes,
        &[Entra],
        "In a filter, a boolean may be compared with \"True\" or \"false\".",
        "Entra's mappings have roles[primary eq \"True\"]. As for booleans as text.",
    ),
    everybody(
        Habit::ForeignSchemas,
        &[Entra, OneLogin, Okta],
        "schemas may be missing, and may name URNs that nobody knows; the endpoint says what the body is.",
        "OneLogin names SCIM 1.0's, Entra one of its own. RFC 7643 §3 wants them, RFC 7644 §3.3 does not say what \
         becomes of unknown ones.",
    ),
    everybody(
        Habit::PassedOver,
        &[Entra, Okta, Authentik, JumpCloud],
        "id, meta, groups and unknown attributes in a body are passed over, and noted in the event.",
        "Okta and authentik send back what they have read. RFC 7644 §3.3 and §3.5.1 say so of read-only ones, and \
         leave the others to the server.",
    ),
    everybody(
        Habit::EntraExtension,
        &[Entra],
        "Entra's own extension for users means Gangway's: mailNickname and usageLocation are taken from it.",
        "Both have these attributes, for the same account. The answer has them under Gangway's URN.",
    ),
    everybody(
        Habit::BlankForNothing,
        &[Okta],
        "An empty text for a date or a certificate is no value.",
        "Profiles have blank fields. RFC 7643 §2.3.5 and §2.3.6 have no empty date and no empty certificate.",
    ),
];

/// Clients' URNs, each with that of the schema it means.
pub(super) static ALIASES: [(&str, &str); 1] = [(
    "urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User",
    "urn:ietf:params:scim:schemas:extension:gangway:2.0:User",
)];
