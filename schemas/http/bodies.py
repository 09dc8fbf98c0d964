"""What the bodies of requests are made of."""

from pydantic import BaseModel, ConfigDict

from schemas.http.answers import Json


class Body(BaseModel):
    """The body of a request: a member that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StrictBody(Body):
    """One whose values have to be of the JSON type that is said: `"1"` is no number."""

    model_config = ConfigDict(strict=True)


def without_default(schema: Json) -> None:
    """Leave a default to the description: generators of types make a field with one required, which it is not."""
    schema.pop("default", None)
