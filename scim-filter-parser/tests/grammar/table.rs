//! Filters and paths by hand: what is accepted, as which tree, and what is refused, where and in which words.

use scim_filter_parser::{AttrPath, CompareOp, ErrorKind, Filter, Options, Path, Value};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

fn attr(name: &str) -> AttrPath {
    AttrPath { urn: None, name: name.to_owned(), sub: None }
}

fn sub(name: &str, sub: &str) -> AttrPath {
    AttrPath { sub: Some(sub.to_owned()), ..attr(name) }
}

fn compare(attr: AttrPath, op: CompareOp, value: Value) -> Filter {
    Filter::Compare { attr, op, value }
}

fn eq(name: &str, text: &str) -> Filter {
    compare(attr(name), CompareOp::Eq, Value::String(text.to_owned()))
}

fn pr(name: &str) -> Filter {
    Filter::Present(attr(name))
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn element(name: &str, filter: Filter) -> Filter {
    Filter::Element { attr: attr(name), filter: Box::new(filter) }
}

fn unquoted() -> Options {
    Options { unquoted_strings: true, ..Options::default() }
}

#[test]
fn filters_become_these_trees() {
    use Filter::{And, Or};
    let table = [
        ("title pr", pr("title")),
        ("  title   PR  ", pr("title")),
        (r#"userName eq "ann""#, eq("userName", "ann")),
        (r#"USERNAME EQ "ann""#, eq("USERNAME", "ann")),
        // The words of the grammar are names, too, where a name is asked.
        (r#"groups pr and order eq "x""#, And(vec![pr("groups"), eq("order", "x")])),
        ("notes pr or andy pr", Or(vec![pr("notes"), pr("andy")])),
        ("not pr and and pr or or pr", Or(vec![And(vec![pr("not"), pr("and")]), pr("or")])),
        ("prize pr", pr("prize")),
        // not > and > or, and lists instead of pairs.
        ("a pr and b pr or c pr", Or(vec![And(vec![pr("a"), pr("b")]), pr("c")])),
        ("a pr or b pr and c pr", Or(vec![pr("a"), And(vec![pr("b"), pr("c")])])),
        ("a pr and (b pr or c pr)", And(vec![pr("a"), Or(vec![pr("b"), pr("c")])])),
        ("a pr and (b pr and c pr)", And(vec![pr("a"), pr("b"), pr("c")])),
        ("(a pr or b pr) OR c pr", Or(vec![pr("a"), pr("b"), pr("c")])),
        ("not (a pr) and b pr", And(vec![not(pr("a")), pr("b")])),
        ("NOT(a pr AND b pr)", not(And(vec![pr("a"), pr("b")]))),
        ("not (not (a pr))", not(not(pr("a")))),
        ("((a pr))", pr("a")),
        ("(a pr)and(b pr)", And(vec![pr("a"), pr("b")])),
        // Value paths.
        (r#"emails[type eq "work"]"#, element("emails", eq("type", "work"))),
        (r#"emails[ type eq "work" ]"#, element("emails", eq("type", "work"))),
        (
            r#"emails[type eq "work"].value eq "x""#,
            element("emails", And(vec![eq("type", "work"), eq("value", "x")])),
        ),
        (
            r#"emails[type eq "a" or type eq "b"].value pr and title pr"#,
            And(vec![
                element("emails", And(vec![Or(vec![eq("type", "a"), eq("type", "b")]), pr("value")])),
                pr("title"),
            ]),
        ),
        (r#"members[$ref eq "x"]"#, element("members", eq("$ref", "x"))),
        ("x[not (a pr)]", element("x", not(pr("a")))),
    ];
    for (text, tree) in table {
        assert_eq!(Filter::parse(text), Ok(tree), "{text}");
    }
}

#[test]
fn values_are_json() {
    let table = [
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("NULL", Value::Null),
        ("0", Value::Integer(0)),
        ("-7", Value::Integer(-7)),
        ("9223372036854775807", Value::Integer(i64::MAX)),
        ("9223372036854775808", Value::Decimal(9_223_372_036_854_775_808.0)),
        ("1.0", Value::Decimal(1.0)),
        ("-0.5E-1", Value::Decimal(-0.05)),
        ("2e3", Value::Decimal(2000.0)),
        (r#""""#, Value::String(String::new())),
        (r#""O'Malley (ü) ] and""#, Value::String("O'Malley (ü) ] and".to_owned())),
        (r#""\"\\\/\b\f\n\r\t""#, Value::String("\"\\/\u{8}\u{c}\n\r\t".to_owned())),
        (r#""\u00E9\ufe00""#, Value::String("é\u{fe00}".to_owned())),
        (r#""\ud83d\uDE00!""#, Value::String("😀!".to_owned())),
    ];
    for (text, value) in table {
        let filter = format!("a eq {text}");
        assert_eq!(Filter::parse(&filter), Ok(compare(attr("a"), CompareOp::Eq, value)), "{text}");
    }
}

#[test]
fn every_operator_is_read_in_any_case() {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    for op in [Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le] {
        let tree = compare(sub("name", "x"), op, Value::Integer(1));
        for word in [op.to_string(), op.to_string().to_uppercase()] {
            assert_eq!(Filter::parse(&format!("name.x {word} 1")).as_ref(), Ok(&tree), "{word}");
        }
    }
}

#[test]
fn attributes_are_taken_apart() {
    let with_urn = |urn: &str, attr: AttrPath| AttrPath { urn: Some(urn.to_owned()), ..attr };
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let table = [
        ("userName".to_owned(), attr("userName")),
        (" name.given-name_2 ".to_owned(), sub("name", "given-name_2")),
        ("members.$ref".to_owned(), sub("members", "$ref")),
        (format!("{USER}:userName"), with_urn(USER, attr("userName"))),
        (format!("{USER}:emails.value"), with_urn(USER, sub("emails", "value"))),
        (format!("{enterprise}:manager.value"), with_urn(enterprise, sub("manager", "value"))),
        ("URN:my-own:Schema_1:x".to_owned(), with_urn("URN:my-own:Schema_1", attr("x"))),
        (
            enterprise.to_owned(),
            with_urn("urn:ietf:params:scim:schemas:extension:enterprise:2.0", attr("User")),
        ),
    ];
    for (text, tree) in table {
        assert_eq!(AttrPath::parse(&text), Ok(tree.clone()), "{text}");
        assert_eq!(Filter::parse(&format!("{text} pr")), Ok(Filter::Present(tree)), "{text}");
    }
}

#[test]
fn what_is_no_attribute_is_refused() {
    for text in [
        "",
        " ",
        ".",
        "a.",
        ".a",
        "a.b.c",
        "a b",
        "a,b",
        "1a",
        "-a",
        "$",
        "$$ref",
        "a:",
        ":a",
        "1:a",
        "a::b",
        "a[b pr]",
        "urn:x:2.0",
        "größe",
        "a/b",
    ] {
        assert!(AttrPath::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn paths_become_these_trees() {
    let path = |attr, filter, sub: Option<&str>| Path { attr, filter, sub: sub.map(str::to_owned) };
    let work = || Some(eq("type", "work"));
    let table = [
        ("members".to_owned(), path(attr("members"), None, None)),
        ("name.familyName".to_owned(), path(sub("name", "familyName"), None, None)),
        (r#"emails[type eq "work"]"#.to_owned(), path(attr("emails"), work(), None)),
        (r#" emails [ type eq "work" ].value "#.to_owned(), path(attr("emails"), work(), Some("value"))),
        (
            format!(r#"{USER}:emails[type eq "work"].value"#),
            path(AttrPath { urn: Some(USER.to_owned()), ..attr("emails") }, work(), Some("value")),
        ),
        (
            "members[not (value pr) and a pr].$ref".to_owned(),
            path(attr("members"), Some(Filter::And(vec![not(pr("value")), pr("a")])), Some("$ref")),
        ),
    ];
    for (text, tree) in table {
        assert_eq!(Path::parse(&text), Ok(tree), "{text}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    for text in [
        "",
        "[a pr]",
        "a[",
        "a[]",
        "a[b pr",
        "a[b pr]]",
        "a[b pr].",
        "a[b pr].c.d",
        "a[b pr].1",
        "a[b pr] .c",
        "a[b pr].c d",
        "a[b pr]c",
        "a.b[c pr]",
        "a[b[c pr]]",
        "a b",
        "a eq 1",
        "a pr",
        "(a)",
        "a[b]",
        "/a",
        "a[b pr][c pr]",
        "a[b pr].c pr",
    ] {
        assert!(Path::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn faults_say_where_and_what() {
    let table = [
        (r#"userName eqq "x""#, r#"expected an operator such as eq at position 9, found "eqq""#),
        ("", "expected an attribute name at position 0, found the end"),
        ("userName", "expected a blank and an operator such as eq at position 8, found the end"),
        ("userName ", "expected an operator such as eq at position 9, found the end"),
        ("userName eq", "expected a blank and a value at position 11, found the end"),
        (r#"userName eq"x""#, "expected a blank and a value at position 11, found a string in quotes"),
        (
            "userName eq ann",
            r#"put the value at position 12 in double quotes: found "ann", which is no number, true, false or null"#,
        ),
        ("userName eq 'ann'", "put the value at position 12 in double quotes instead of single ones"),
        ("title pr and", "expected an attribute name at position 12, found the end"),
        (r#"title pr "secret""#, "expected and, or or the end at position 9, found a string in quotes"),
        ("(title pr", "expected and, or or ) at position 9, found the end"),
        ("title pr)", r#"expected and, or or the end at position 8, found ")""#),
        ("a[b pr)", r#"expected and, or or ] at position 6, found ")""#),
        ("not title pr", r#"expected ( after not at position 4, found "title""#),
        (r#"a eq "x"#, "the string that begins at position 5 has no closing quote"),
        (
            r#"a eq "\x""#,
            r"the backslash at position 6 begins no JSON escape; write \\ for a backslash itself",
        ),
        ("a eq \"\n\"", r"the control character at position 6 must be escaped, as in \n or \u0007"),
        ("a eq 1e999", "the number at position 5 is too large"),
        (
            "a[b[c pr]]",
            "the bracket at position 3 stands inside other square brackets, which SCIM does not allow",
        ),
        ("a.b[c pr]", "the bracket at position 3 follows a sub-attribute; it may only follow an attribute"),
        ("größe pr", r#"expected a blank and an operator such as eq at position 2, found "öße""#),
    ];
    for (text, message) in table {
        assert_eq!(Filter::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    for text in [
        "(",
        ")",
        "()",
        "foo",
        "( a pr ) eq ",
        r#"a pr "b""#,
        r#"a lte "x""#,
        r#"a pr and b eq "c" eq"#,
        "a eq true eq",
        "a eq 1.5 eq",
        r#"a eq "x\"#,
        r#"a eq "\u12g4""#,
        r#"a eq "\u+123""#,
        r#"a eq "\ud800""#,
        r#"a eq "\ud800\u0041""#,
        r#"a eq "\udc00""#,
        r#"a eq "\ud800\ud800""#,
        r#"a eq ("x")"#,
        r#"a eq "x" b pr"#,
        "and or",
        "not ( and )",
        "not",
        "not (",
        "a pr ()",
        "() a pr",
        "(a pr)()",
        "()(a pr)",
        "a[])",
        "a pr[)",
        "a pr [b pr])",
        "a[b pr)",
        "a[b pr]])",
        "[a pr]",
        "a -pr",
        "[a pr",
        "a pr]",
        "a pr and or b pr",
        "a pr not (b pr)",
        "not a[b pr]",
        "a[b pr].c",
        "a[b pr].c.d pr",
        "a[b pr] c pr",
        r#"a eq "x"and b pr"#,
        "a eq 01",
        "a eq +1",
        "a eq 1.",
        "a eq .5",
        "a eq 1e",
        "a eq -",
        "a eq inf",
        "a eq NaN",
        "a eq 0x1",
        "a eq truely",
        "a eq [1]",
        "a eq {}",
        "a\u{a0}pr",
        "a pr;",
        "a eq \"\u{1}\"",
    ] {
        assert!(Filter::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn unquoted_strings_only_when_asked_for() {
    let table = [
        ("externalId eq annb", eq("externalId", "annb")),
        ("(externalId eq ann@contoso.example)", eq("externalId", "ann@contoso.example")),
        ("emails[type eq wörk]", element("emails", eq("type", "wörk"))),
        ("id eq 12-ab", eq("id", "12-ab")),
        (r#"id eq "12""#, eq("id", "12")),
        ("id eq 12", compare(attr("id"), CompareOp::Eq, Value::Integer(12))),
        ("id eq true", compare(attr("id"), CompareOp::Eq, Value::Bool(true))),
        ("a eq b and c pr", Filter::And(vec![eq("a", "b"), pr("c")])),
    ];
    for (text, tree) in table {
        assert_eq!(Filter::parse_with(text, &unquoted()), Ok(tree), "{text}");
    }
    for text in ["a eq ", "a eq ann lee", "a eq 'x'", "a eq x\"y\"", "a eq (x)", "a eq x(y)", "a eq \u{1}"] {
        assert!(Filter::parse_with(text, &unquoted()).is_err(), "{text:?}");
    }
    let path = Path::parse_with("emails[type eq work].value", &unquoted());
    assert_eq!(path.map(|path| path.filter), Ok(Some(eq("type", "work"))));
}

#[test]
fn limits_hold_exactly() {
    let options = Options { max_depth: 2, max_terms: 2, max_length: 20, ..Options::default() };
    let kind = |text: &str| Filter::parse_with(text, &options).map_err(|error| (error.at, error.kind));
    for text in ["((a pr))", "(a[b pr])", "a pr and b pr", "a pr and   b   pr   "] {
        assert!(kind(text).is_ok(), "{text}");
    }
    assert_eq!(kind("(((a pr)))"), Err((2, ErrorKind::TooDeep(2))));
    assert_eq!(kind("((a[b pr]))"), Err((3, ErrorKind::TooDeep(2))));
    assert_eq!(kind("a pr or b pr or c pr"), Err((18, ErrorKind::TooManyTerms(2))));
    assert_eq!(kind("a pr and   b   pr    "), Err((20, ErrorKind::TooLong(20))));
}

#[test]
fn bottomless_texts_are_refused_without_overflow() {
    let options = Options { max_length: usize::MAX, ..Options::default() };
    for unit in ["(", "not(", "not (", "a[", "not ", "a pr and ("] {
        let text = unit.repeat(100_000);
        assert!(Filter::parse(&text).is_err(), "{unit}");
        assert!(Filter::parse_with(&text, &options).is_err(), "{unit}");
        assert!(Path::parse_with(&format!("x[{text}"), &options).is_err(), "{unit}");
    }
}

#[test]
fn a_message_repeats_little_of_a_long_text() {
    let error = Filter::parse(&"ü".repeat(5_000)).unwrap_err();
    assert!(error.to_string().len() < 200);
}
