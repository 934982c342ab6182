"""Plates ask WeChat for their codes."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from tests.support.wechat import Phones, phones_before


@pytest.fixture(scope="module", autouse=True)
async def phones(app: FastAPI) -> AsyncIterator[Phones]:
    async with phones_before(app) as phones:
        yield phones
