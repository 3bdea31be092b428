"""What every part of a spec is: fields that are known, values that do not change, mistakes that repeat no secret."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A group of fields of the spec."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True, hide_input_in_errors=True)
