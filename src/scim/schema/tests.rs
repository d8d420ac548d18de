use std::collections::HashSet;

use rstest::rstest;
use serde_json::{Value, json};

use super::discovery::{
    AuthenticationScheme, Bulk, Capabilities, Pagination, resource_types, schemas, service_provider_config,
};
use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[rstest]
#[case("userName", "userName")]
#[case("USERNAME", "userName")]
#[case(" name.FAMILYname ", "name.familyName")]
#[case("id", "id")]
#[case("externalid", "externalId")]
#[case("meta.lastmodified", "meta.lastModified")]
#[case("schemas", "schemas")]
#[case("members.$REF", "members.$ref")]
#[case("urn:ietf:params:scim:schemas:core:2.0:User:active", "active")]
#[case("URN:IETF:params:scim:schemas:CORE:2.0:user:emails.value", "emails.value")]
#[case(
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:Manager.Value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
)]
fn names_and_urns_resolve_in_any_case(#[case] text: &str, #[case] expected: &str) {
    let rt = if text.starts_with("members") { &GROUP } else { &USER };
    match rt.resolve_text(text) {
        Some(Target::Attribute(place)) => assert_eq!(place.to_string(), expected),
        other => panic!("{text} resolved to {other:?}"),
    }
}

#[rstest]
#[case("shoeSize")]
#[case("userName.value")]
#[case("emails.shoe")]
#[case("employeeNumber")]
#[case("urn:example:params:foreign:2.0:User:userName")]
#[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:userName")]
#[case("")]
#[case("a b")]
fn what_no_schema_has_does_not_resolve(#[case] text: &str) {
    assert!(USER.resolve_text(text).is_none());
}

#[test]
fn a_urn_alone_is_its_schema_and_not_an_attribute_called_user() {
    for schema in USER.schemas() {
        for text in [schema.id.to_owned(), schema.id.to_uppercase()] {
            match USER.resolve_text(&text) {
                Some(Target::Schema(found)) => assert_eq!(found.id, schema.id),
                other => panic!("{text} resolved to {other:?}"),
            }
        }
    }
}

fn check(schema: &str, attributes: &[Attribute]) {
    let mut names = HashSet::new();
    assert!(attributes.len() < 64, "{schema}: seen-sets have 64 bits");
    for attribute in attributes {
        let name = format!("{schema}:{}", attribute.name);
        assert!(names.insert(attribute.name.to_ascii_lowercase()), "{name} twice");
        assert!(!attribute.description.is_empty(), "{name} has no description");
        let complex = attribute.kind == Kind::Complex;
        assert_eq!(complex, !attribute.sub_attributes.is_empty(), "{name}");
        let reference = attribute.kind == Kind::Reference;
        assert_eq!(reference, !attribute.reference_types.is_empty(), "{name}");
        let write_only = attribute.mutability == Mutability::WriteOnly;
        assert_eq!(write_only, attribute.returned == Returned::Never, "{name}");
        for sub in attribute.sub_attributes {
            assert_ne!(sub.kind, Kind::Complex, "{name}.{}: RFC 7643 §2.3.8", sub.name);
            assert!(!sub.multi_valued, "{name}.{}", sub.name);
        }
        check(&name, attribute.sub_attributes);
    }
}

#[test]
fn the_tables_are_sound() {
    for schema in USER.schemas().chain(GROUP.schemas()) {
        check(schema.id, schema.attributes);
    }
}

#[test]
fn the_core_user_has_what_rfc_7643_section_4_1_lists() {
    let names: Vec<_> = CORE_USER.attributes.iter().map(|a| a.name).collect();
    assert_eq!(
        names,
        [
            "userName",
            "name",
            "displayName",
            "nickName",
            "profileUrl",
            "title",
            "userType",
            "preferredLanguage",
            "locale",
            "timezone",
            "active",
            "password",
            "emails",
            "phoneNumbers",
            "ims",
            "photos",
            "addresses",
            "groups",
            "entitlements",
            "roles",
            "x509Certificates",
        ]
    );
}

#[rstest]
#[case("id", true, Mutability::ReadOnly, Returned::Always)]
#[case("externalId", true, Mutability::ReadWrite, Returned::Default)]
#[case("userName", false, Mutability::ReadWrite, Returned::Default)]
#[case("password", false, Mutability::WriteOnly, Returned::Never)]
#[case("groups", false, Mutability::ReadOnly, Returned::Default)]
#[case("x509Certificates.value", true, Mutability::ReadWrite, Returned::Default)]
#[case(
    "urn:ietf:params:scim:schemas:extension:gangway:2.0:User:syncStatus",
    false,
    Mutability::ReadOnly,
    Returned::Request
)]
fn characteristics(
    #[case] name: &str,
    #[case] case_exact: bool,
    #[case] mutability: Mutability,
    #[case] returned: Returned,
) {
    let Some(Target::Attribute(place)) = USER.resolve_text(name) else { panic!("{name} does not resolve") };
    let leaf = place.leaf();
    assert_eq!((leaf.case_exact, leaf.mutability, leaf.returned), (case_exact, mutability, returned));
}

#[test]
fn schemas_are_rendered_with_all_characteristics() {
    let all = schemas(&[&USER, &GROUP], "https://bridge.example/scim/v2");
    let ids: Vec<_> = all.iter().map(|schema| schema["id"].clone()).collect();
    assert_eq!(
        Value::from(ids),
        json!([CORE_USER.id, ENTERPRISE, GANGWAY_USER.id, CORE_GROUP.id, GANGWAY_GROUP.id])
    );
    assert_eq!(
        all[1]["meta"],
        json!({"resourceType": "Schema", "location": format!("https://bridge.example/scim/v2/Schemas/{ENTERPRISE}")})
    );
    let manager = &all[1]["attributes"][5];
    assert_eq!(
        manager,
        &json!({
            "name": "manager", "type": "complex", "multiValued": false, "description": "The person's manager.",
            "required": false, "caseExact": false, "mutability": "readWrite", "returned": "default",
            "uniqueness": "none",
            "subAttributes": [
                {"name": "value", "type": "string", "multiValued": false, "description": "The id of the manager's user.",
                 "required": false, "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none"},
                {"name": "$ref", "type": "reference", "multiValued": false, "description": "The URI of the manager's user.",
                 "required": false, "caseExact": true, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
                 "referenceTypes": ["User"]},
                {"name": "displayName", "type": "string", "multiValued": false, "description": "The manager's name.",
                 "required": false, "caseExact": false, "mutability": "readOnly", "returned": "default", "uniqueness": "none"},
            ],
        })
    );
}

#[test]
fn resource_types_name_their_extensions() {
    assert_eq!(
        resource_types(&[&USER], "https://bridge.example/scim/v2"),
        [json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User", "name": "User", "endpoint": "/Users", "description": "User Account",
            "schema": CORE_USER.id,
            "schemaExtensions": [
                {"schema": ENTERPRISE, "required": false},
                {"schema": GANGWAY_USER.id, "required": false},
            ],
            "meta": {"resourceType": "ResourceType", "location": "https://bridge.example/scim/v2/ResourceTypes/User"},
        })]
    );
}

#[test]
fn the_service_provider_config_says_what_is_offered() {
    let offered = Capabilities {
        patch: true,
        bulk: None,
        filter_max_results: Some(200),
        change_password: true,
        sort: false,
        etag: true,
        pagination: Pagination { cursor: false, index: true, default_page_size: 100, max_page_size: 200 },
        authentication_schemes: vec![AuthenticationScheme {
            kind: "oauthbearertoken".to_owned(),
            name: "Bearer token".to_owned(),
            description: "A token in the Authorization header".to_owned(),
            spec_uri: None,
            primary: true,
        }],
        documentation_uri: None,
    };
    let document = service_provider_config(&offered, "https://bridge.example/scim/v2");
    assert_eq!(
        document,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": 200},
            "changePassword": {"supported": true},
            "sort": {"supported": false},
            "etag": {"supported": true},
            "pagination": {"cursor": false, "index": true, "defaultPaginationMethod": "index",
                           "defaultPageSize": 100, "maxPageSize": 200},
            "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer token",
                "description": "A token in the Authorization header", "primary": true}],
            "meta": {"resourceType": "ServiceProviderConfig",
                     "location": "https://bridge.example/scim/v2/ServiceProviderConfig"},
        })
    );
    let with_bulk =
        Capabilities { bulk: Some(Bulk { max_operations: 1000, max_payload_size: 1_048_576 }), ..offered };
    let document = service_provider_config(&with_bulk, "https://bridge.example/scim/v2");
    assert_eq!(
        document["bulk"],
        json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576})
    );
}
