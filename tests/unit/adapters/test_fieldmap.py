# SPDX-License-Identifier: EUPL-1.2
"""Mapping files: what is accepted, what is refused, and that the message says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.errors import MappingError
from adapters.fieldmap import load_mapping, parse_mapping
from adapters.sources.mapping import ValueType

GOOD = """format = 1
kind = "sql"
[find]
table = "akte"
number = "aktenzeichen"
key = "person_id"
[category.titel]
table = "titel"
key = "person_id"
newest = "erteilt_am"
only = { storniert = "N" }
[category.laender]
query = "SELECT * FROM laender"
key = "person_id"
rows = "many"
[facts.info_block]
category = "titel"
column = "sperre"
clear = ["0"]
[facts.secret_203]
always = ["permit_issued"]
[field.permit_issued]
category = "titel"
column = "erteilt_am"
type = "date"
format = "DD.MM.YYYY"
null = ["00.00.0000"]
[field.family_name]
category = "titel"
column = "name"
type = "name"
max_length = 90
[field.birth_date]
category = "titel"
column = "geboren"
type = "partial_date"
[field.nationalities]
category = "laender"
column = "schl"
type = "codes"
list_urn = "urn:x"
list_version = "1"
"""


def test_a_good_mapping_is_read_completely() -> None:
    """Every key of the file arrives in the checked mapping."""
    mapping = parse_mapping(GOOD, file="good.toml")
    assert mapping.kind == "sql"
    assert mapping.find == {"table": "akte", "number": "aktenzeichen", "key": "person_id"}
    titel = mapping.categories["titel"]
    assert (titel.newest, titel.only, titel.many) == ("erteilt_am", (("storniert", "N"),), False)
    assert mapping.categories["laender"].many
    issued = mapping.fields["permit_issued"]
    assert (issued.type, issued.format, issued.columns) == (
        ValueType.DATE,
        "DD.MM.YYYY",
        ("erteilt_am",),
    )
    assert issued.null == {"00.00.0000"}
    assert mapping.fields["family_name"].max_length == 90
    assert mapping.info_block is not None
    assert mapping.info_block.clear == {"0"}
    assert mapping.secret_203 is not None
    assert mapping.secret_203.always == {"permit_issued"}
    assert mapping.entrusted_65 is None


def test_identity_falls_back_to_the_fields() -> None:
    """Name and birth date are taken from the fields unless the mapping says otherwise."""
    mapping = parse_mapping(GOOD, file="good.toml")
    assert set(mapping.identity) == {"family_name", "birth_date"}
    more = '[identity.family_name]\ncategory = "titel"\ncolumn = "suchname"\ntype = "name"\n'
    changed = parse_mapping(GOOD + more, file="good.toml")
    assert changed.identity["family_name"].columns == ("suchname",)
    assert changed.fields["family_name"].columns == ("name",)


def test_places_name_file_line_and_table() -> None:
    """A message leads to the line."""
    mapping = parse_mapping(GOOD, file="good.toml")
    line = GOOD.splitlines().index("[field.family_name]") + 1
    assert mapping.fields["family_name"].place == f"good.toml:{line} [field.family_name]"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "format must be 1"),
        ("format = 1", "format = '1'", "format must be 1"),
        ('kind = "sql"', 'kind = "xml"', "kind must be one of"),
        ('kind = "sql"', 'kind = ["sql"]', "kind must be one of"),
        ("[find]", "[found]", "unknown key found"),
        ('number = "aktenzeichen"\n', "", "number is needed"),
        ('table = "akte"\n', "", "either table or query"),
        ('table = "akte"', 'table = "akte"\nquery = "SELECT 1"', "either table or query"),
        ('table = "akte"', 'table = "akte"\npath = "/x"', "unknown key path"),
        ("[category.titel]", "[category.Titel]", "lower case"),
        ('rows = "many"', 'rows = "all"', "rows must be one or many"),
        ('rows = "many"', 'rows = "many"\nnewest = "a"', "excludes rows"),
        ("only = { storniert = 'N' }", "only = 3", "a table of texts"),
        ('only = { storniert = "N" }', "only = { storniert = 1 }", "a table of texts"),
        ("[field.permit_issued]", '[field."1; DROP TABLE"]', "lower case"),
        ('category = "laender"', 'category = "land"', "must name a"),
        ('type = "date"', 'type = "datum"', "type must be one of"),
        ('type = "date"\n', "", "type must be one of"),
        ('column = "geboren"', "column = 4", "column (a name)"),
        ('column = "geboren"', "columns = []", "column (a name)"),
        ('column = "geboren"', 'columns = ["a", "b"]', "takes 1 column"),
        ('type = "codes"', 'type = "date"', "has many rows"),
        ('list_version = "1"\n', "", "list_urn and list_version"),
        ('type = "name"', 'type = "enum"', "needs its values"),
        ('type = "name"', 'type = "mononym"', "texts that mark it"),
        ('format = "DD.MM.YYYY"', 'format = "MM/DD/YY"', "format must be one of"),
        ("max_length = 90", "max_length = 0", "max_length"),
        ("max_length = 90", "max_length = true", "max_length"),
        ("max_length = 90", "max_len = 90", "unknown key max_len"),
        ('null = ["00.00.0000"]', 'null = "00.00.0000"', "a list of texts"),
        ('clear = ["0"]', 'always = ["permit_issued"]', "unknown key always"),
        ('column = "sperre"\n', "", "category and column are needed"),
        ('always = ["permit_issued"]', 'always = ["no_such"]', "no [field.…] for no_such"),
        ("[facts.secret_203]", "[facts.secrets]", "unknown key secrets"),
        ("[facts.secret_203]", "[facts.entrusted_65]\n[facts.other]", "unknown key other"),
        ("[find]", "[find", "not TOML"),
        ("[find]", "[identity.sex]\ncategory = 'titel'\n[find]", "only family_name and birth_date"),
        ("[find]", "csv = 3\n[find]", "must be a table"),
    ],
)
def test_refused_mappings(old: str, new: str, message: str) -> None:
    """Each rule of the format has its own refusal."""
    old = old.replace("'", '"') if old not in GOOD else old
    assert old in GOOD
    with pytest.raises(MappingError) as raised:
        parse_mapping(GOOD.replace(old, new, 1), file="bad.toml")
    assert message in str(raised.value)
    assert str(raised.value).startswith("bad.toml")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"#" * 300_000])
def test_files_that_are_no_mapping(tmp_path: Path, data: bytes) -> None:
    """Not UTF-8, too large, or not there."""
    (tmp_path / "m.toml").write_bytes(data)
    with pytest.raises(MappingError):
        load_mapping(tmp_path / "m.toml")
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")
