//! The core User (RFC 7643 §4.1 and §8.7.1).

use super::enterprise::ENTERPRISE_USER;
use super::gangway::GANGWAY_USER;
use super::{Attribute, ResourceType, Schema};

/// Users.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "User Account",
    schema: &CORE_USER,
    extensions: &[(&ENTERPRISE_USER, false), (&GANGWAY_USER, false)],
};

/// `urn:ietf:params:scim:schemas:core:2.0:User`
pub static CORE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User Account",
    attributes: &[
        Attribute::string("userName", "The name to sign in with; usually the e-mail address.")
            .looked_up()
            .required()
            .unique(),
        Attribute::complex("name", NAME, "The parts of the person's name."),
        Attribute::string("displayName", "The name to show.").looked_up(),
        Attribute::string("nickName", "The casual name."),
        Attribute::reference("profileUrl", &["external"], "A page about the person."),
        Attribute::string("title", "The job title, such as \"Vice President\"."),
        Attribute::string("userType", "The relation to the organization, such as \"Employee\"."),
        Attribute::string("preferredLanguage", "The language, as in an Accept-Language header."),
        Attribute::string("locale", "The place whose conventions to use, such as \"en-US\"."),
        Attribute::string("timezone", "The time zone, such as \"America/Los_Angeles\"."),
        Attribute::boolean("active", "Whether the person may sign in."),
        Attribute::string("password", "The password to set. It is never returned.").secret(),
        Attribute::complex("emails", EMAIL, "E-mail addresses.").list(),
        Attribute::complex("phoneNumbers", PHONE, "Telephone numbers.").list(),
        Attribute::complex("ims", IM, "Instant messaging addresses.").list(),
        Attribute::complex("photos", PHOTO, "Pictures.").list(),
        Attribute::complex("addresses", ADDRESS, "Postal addresses.").list(),
        Attribute::complex("groups", GROUPS, "The groups the user is in; change them at the group.")
            .list()
            .read_only(),
        Attribute::complex("entitlements", ENTITLEMENT, "Things the user has, such as licences.").list(),
        Attribute::complex("roles", ROLE, "What the user is, such as \"Student\".").list(),
        Attribute::complex("x509Certificates", CERTIFICATE, "Certificates issued to the user.").list(),
    ],
};

const NAME: &[Attribute] = &[
    Attribute::string("formatted", "The whole name, ready to show."),
    Attribute::string("familyName", "The family name."),
    Attribute::string("givenName", "The given name."),
    Attribute::string("middleName", "The middle names."),
    Attribute::string("honorificPrefix", "The title, such as \"Ms.\"."),
    Attribute::string("honorificSuffix", "The suffix, such as \"III\"."),
];

const DISPLAY: Attribute = Attribute::string("display", "The value, ready to show.");
const PRIMARY: Attribute =
    Attribute::boolean("primary", "Whether this is the preferred one; true at most once.");
const LABEL: Attribute = Attribute::string("type", "What the value is used for.");

const EMAIL: &[Attribute] = &[
    Attribute::string("value", "The e-mail address.").looked_up(),
    DISPLAY,
    LABEL.suggests(&["work", "home", "other"]),
    PRIMARY,
];

const PHONE: &[Attribute] = &[
    Attribute::string("value", "The telephone number."),
    DISPLAY,
    LABEL.suggests(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

const IM: &[Attribute] = &[
    Attribute::string("value", "The instant messaging address."),
    DISPLAY,
    LABEL.suggests(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

const PHOTO: &[Attribute] = &[
    Attribute::reference("value", &["external"], "Where the picture is."),
    DISPLAY,
    LABEL.suggests(&["photo", "thumbnail"]),
    PRIMARY,
];

const ADDRESS: &[Attribute] = &[
    Attribute::string("formatted", "The whole address, ready for a label."),
    Attribute::string("streetAddress", "Street, house number and the like."),
    Attribute::string("locality", "The city."),
    Attribute::string("region", "The state or region."),
    Attribute::string("postalCode", "The postal code."),
    Attribute::string("country", "The country, as an ISO 3166-1 alpha-2 code."),
    LABEL.suggests(&["work", "home", "other"]),
    PRIMARY,
];

const GROUPS: &[Attribute] = &[
    Attribute::string("value", "The id of the group.").read_only(),
    Attribute::reference("$ref", &["User", "Group"], "The URI of the group.").read_only(),
    Attribute::string("display", "The name of the group.").read_only(),
    Attribute::string("type", "Whether the membership is direct.")
        .suggests(&["direct", "indirect"])
        .read_only(),
];

const ENTITLEMENT: &[Attribute] =
    &[Attribute::string("value", "The name or id of the entitlement."), DISPLAY, LABEL, PRIMARY];

const ROLE: &[Attribute] = &[Attribute::string("value", "The name of the role."), DISPLAY, LABEL, PRIMARY];

const CERTIFICATE: &[Attribute] =
    &[Attribute::binary("value", "The certificate, DER in base64."), DISPLAY, LABEL, PRIMARY];
