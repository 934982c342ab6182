"""What a text is found by: as PostgreSQL sees it, and for any text at all."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from neighborhood_api.issues.worklists.words import words_query, words_vector
from neighborhood_api.kit.db import Database, Tx
from neighborhood_api.kit.ids import new_id

CHINESE = st.text(alphabet="垃圾桶满了没人清路灯〇䶵𠀀", min_size=2, max_size=12)
MIXED = st.text(alphabet="垃圾桶满路灯 3LED-,。号ａＢ１'\\&|!():*", max_size=40)
ANYTHING = st.text(max_size=60)


def matches(text: str, query: str) -> bool:
    """What `@@` says, for the queries that we write."""
    words = set(words_vector(text).split())
    wanted = words_query(query)
    assert wanted is not None
    return all(
        any(word.startswith(part[:-3]) for word in words)
        if part.endswith(":*")
        else part in words
        for part in wanted.split(" & ")
    )


@given(before=MIXED, chinese=CHINESE, after=MIXED, data=st.data())
def test_every_piece_of_chinese_finds_its_text(
    before: str, chinese: str, after: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(chinese) - 2))
    end = data.draw(st.integers(start + 2, len(chinese)))
    assert matches(before + chinese + after, chinese[start:end])
    assert matches(before + chinese + after, chinese[start])


@given(text=ANYTHING)
def test_every_text_finds_itself(text: str) -> None:
    assert words_query(text) is None or matches(text, text)


@given(text=ANYTHING)
@settings(max_examples=300)
def test_no_sign_of_a_text_gets_into_the_language_of_queries(text: str) -> None:
    for word in words_vector(text).split():
        assert word[0] == word[-1] == "'"
        assert set(word[1:-1]).isdisjoint(" \t\n\0'\\&|!():*<>-"), word


def test_other_words_and_numbers_are_found_whole_in_either_case_and_width() -> None:
    text = "3号楼LED灯坏了，编号ＬＹ261122-0042"
    for found in ("LY261122-0042", "ly261122", "０042", "led", "ＬＥＤ灯", "号楼", "楼", "灯"):
        assert matches(text, found), found
    for not_found in ("le", "261122", "13", "灯号", "坏楼"):
        assert not matches(text, not_found), not_found
    assert words_query(" ，。!") is None


async def test_postgresql_reads_what_is_written(tx: Tx, rolled_back: Database) -> None:
    del rolled_back
    here, there = new_id(), new_id()
    vector = words_vector("巷口垃圾桶满了", None, "LY261122-0042", street_id=here)
    for query, streets, found in (
        ("垃圾桶", None, True),
        ("垃", {here}, True),
        ("了", {here, there}, True),
        ("LY261122-0042", {there}, False),
        ("垃圾箱", None, False),
    ):
        asked = words_query(query, street_ids=frozenset(streets or ()))
        answer = await tx.scalar(
            sql("SELECT CAST(:vector AS tsvector) @@ CAST(:asked AS tsquery)").bindparams(
                vector=vector, asked=asked
            )
        )
        assert answer is found, query
