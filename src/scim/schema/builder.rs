//! Words in which the schema tables are written. What is not said is RFC 7643 §2.2's default.

use super::{Attribute, Kind, Mutability, Returned, Uniqueness};

impl Attribute {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: &[],
            reference_types: &[],
            sub_attributes: &[],
            max_values: 1_000,
            max_length: usize::MAX,
            description,
        }
    }

    pub(super) const fn string(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::String, description)
    }

    pub(super) const fn boolean(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Boolean, description)
    }

    pub(super) const fn date_time(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::DateTime, description)
    }

    /// Bytes; base64 is case-exact by nature.
    pub(super) const fn binary(name: &'static str, description: &'static str) -> Self {
        Self { case_exact: true, ..Self::new(name, Kind::Binary, description) }
    }

    /// A URI; case-exact (RFC 7643 §2.3.7).
    pub(super) const fn reference(
        name: &'static str,
        reference_types: &'static [&'static str],
        description: &'static str,
    ) -> Self {
        Self { case_exact: true, reference_types, ..Self::new(name, Kind::Reference, description) }
    }

    pub(super) const fn complex(
        name: &'static str,
        sub_attributes: &'static [Attribute],
        description: &'static str,
    ) -> Self {
        Self { sub_attributes, ..Self::new(name, Kind::Complex, description) }
    }

    /// A text that is looked up by an index.
    pub(super) const fn looked_up(self) -> Self {
        Self { max_length: 512, ..self }
    }

    pub(super) const fn list(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    pub(super) const fn of_any_length(self) -> Self {
        Self { max_values: usize::MAX, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(super) const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    pub(super) const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    pub(super) const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    /// Written, never read: the two belong together (RFC 7643 §7).
    pub(super) const fn secret(self) -> Self {
        Self { mutability: Mutability::WriteOnly, returned: Returned::Never, ..self }
    }

    pub(super) const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    /// Returned only when the client asks for it (RFC 7643 §7, `returned`).
    pub(super) const fn on_request(self) -> Self {
        Self { returned: Returned::Request, ..self }
    }

    pub(super) const fn unique(self) -> Self {
        Self { uniqueness: Uniqueness::Server, ..self }
    }

    pub(super) const fn suggests(self, canonical_values: &'static [&'static str]) -> Self {
        Self { canonical_values, ..self }
    }
}
