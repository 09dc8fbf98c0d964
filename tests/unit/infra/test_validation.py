"""What a validator of ours says is shown as it is, without pydantic's word before it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError, field_validator

from infra import validation
from schemas import errors


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value


@pytest.mark.parametrize("message_of", [validation.message_of, errors.message_of])
def test_a_message_of_ours_has_no_prefix_of_pydantics(message_of: Callable[[Mapping[str, Any]], str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Even(number=1)
    (detail,) = refused.value.errors()
    assert detail["msg"] == "Value error, must be even"
    assert message_of(detail) == "must be even"
