"""One registry for everything that is added by one new file: models, datasets, augmentations …

A registered function or class is a *builder*. What the bench itself hands to every builder of a
kind (a model's `in_channels`, an optimizer's `parameters`) is *given*; all other parameters are
*settings*, checked against the builder's own annotations. Nobody edits a list: the package that
holds the builders is imported file by file the first time a name is looked up.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, ValidationError, create_model

from loupe.checking import describe_pydantic_errors, validate_strictly
from loupe.errors import LoupeError, Mistake, UnknownNameError, suggest
from loupe.registration import PLUGIN_MODULE as PLUGIN_MODULE
from loupe.registration import (
    describe_place,
    name_origin,
    refuse_missing_methods,
    refuse_odd_name,
    tell_of_two_files,
)

REGISTRIES: "list[Registry]" = []
"""Every registry that is imported so far."""

Builder = TypeVar("Builder", bound=Callable[..., Any])


class Registry:
    """Builders of one kind, by name.

    Args:
        kind: singular noun for messages, such as "model".
        package: dotted package whose files register the built-in builders.
        given: names of the parameters the bench supplies; the rest are settings.
        list_command: the command that lists the names, for error messages.
        offered: names of what the bench supplies to those builders that name it, and no setting either.
        methods: of every part of the kind, by name ("a or b" for either), each with its parameters and what
            it returns; a class that lacks one is refused where it is registered.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        *,
        given: tuple[str, ...],
        list_command: str,
        offered: tuple[str, ...] = (),
        methods: Mapping[str, str] | None = None,
    ) -> None:
        self.kind = kind
        self._package = package
        self._given = (*given, *offered)
        self._offered = offered
        self._list_command = list_command
        self._methods = dict(methods or {})
        self._builders: dict[str, Callable[..., Any]] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._settings_types: dict[str, type[BaseModel]] = {}
        self._is_discovered = False
        REGISTRIES.append(self)

    def register(self, name: str, **facts: Any) -> Callable[[Builder], Builder]:
        """Return a decorator that registers a builder under `name`.

        Args:
            name: what recipes call it.
            facts: what is known without building, such as a dataset's `image_shape`.

        Raises:
            LoupeError: the name cannot be one, or another builder, not a plugin's, already has it; or the
                builder cannot be of this kind.
        """
        refuse_odd_name(self.kind, name)

        def add(builder: Builder) -> Builder:
            if not builder.__module__.startswith(self._package):
                self._discover()  # a plugin: the built-in names come first
            self._refuse_reserved_settings(name, builder)
            self._refuse_what_nobody_gives(name, builder)
            if inspect.isclass(builder):
                refuse_missing_methods(self.kind, self._methods, name, builder, builder)
            taken = self._builders.get(name)
            is_ours = taken is not None and not taken.__module__.startswith(PLUGIN_MODULE)
            if taken is not None and is_ours and name_origin(taken) != name_origin(builder):
                raise LoupeError(
                    f"Two builders want the {self.kind} name {name!r}.",
                    got=name_origin(builder),
                    allowed=f"a free name; {name_origin(taken)} has this one",
                    next_step="choose another name in the `@register_…` line",
                )
            if taken is not None and not is_ours:
                tell_of_two_files(self.kind, name, taken, builder)
            self._builders[name] = builder
            self._facts[name] = facts
            self._settings_types.pop(name, None)
            return builder

        return add

    def names(self) -> list[str]:
        """Return all registered names, sorted."""
        self._discover()
        return sorted(self._builders)

    def __contains__(self, name: object) -> bool:
        self._discover()
        return name in self._builders

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def get(self, name: str) -> Callable[..., Any]:
        """Return the builder called `name`.

        Raises:
            UnknownNameError: nobody registered that name.
        """
        self._discover()
        if name not in self._builders:
            raise UnknownNameError(self.kind, name, self._builders, f"`{self._list_command}` lists them")
        return self._builders[name]

    def facts(self, name: str) -> dict[str, Any]:
        """Return what is known of `name` without building it."""
        self.get(name)
        return dict(self._facts[name])

    def is_plugin(self, name: str) -> bool:
        """Return whether a user's own file registered `name`."""
        return self.get(name).__module__.startswith(PLUGIN_MODULE)

    def names_of(self, module: str) -> list[str]:
        """Return what a module registered, sorted."""
        return sorted(name for name, one in self._builders.items() if one.__module__ == module)

    def asks_for(self, name: str, offered: str) -> bool:
        """Return whether a builder names something that the bench offers among its parameters."""
        return offered in self._offered and offered in inspect.signature(self.get(name)).parameters

    def tell_place(self, name: str, error: BaseException) -> str:
        """Return file and line of a user's own part that an error came through, in brackets; "" of ours."""
        return f" ({describe_place(self.get(name), error)})" if name in self and self.is_plugin(name) else ""

    def summary(self, name: str) -> str:
        """Return the first line of the builder's docstring."""
        return (inspect.getdoc(self.get(name)) or "").partition("\n")[0]

    def describe_settings(self, name: str) -> Iterator[tuple[str, str, str]]:
        """Yield (setting, default, description) of each of a builder's settings."""
        for setting, field in self.settings_type(name).model_fields.items():
            value = list(field.default) if isinstance(field.default, tuple) else field.default
            default = "required" if field.is_required() else repr(value)
            yield setting, default.replace("None", "left out"), field.description or ""

    def settings_type(self, name: str) -> type[BaseModel]:
        """Return a pydantic model of the builder's settings: names, types, ranges, defaults."""
        builder = self.get(name)
        if name not in self._settings_types:
            try:
                self._settings_types[name] = self._make_settings_type(name, builder)
            except (NameError, TypeError, PydanticUserError) as error:
                raise LoupeError(
                    f"The settings of {self.kind} {name!r} cannot be read from {name_origin(builder)}.",
                    got=str(error).partition("\n")[0],
                    allowed="parameters annotated with numbers, texts, true/false, or tuples of them",
                    next_step="annotate every setting, and import what the annotations name",
                ) from None
        return self._settings_types[name]

    def _make_settings_type(self, name: str, builder: Callable[..., Any]) -> type[BaseModel]:
        is_class = inspect.isclass(builder)
        hints = get_type_hints(builder.__init__ if is_class else builder, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(builder).parameters.values():
            if parameter.name in self._given or parameter.kind is parameter.VAR_KEYWORD:
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints.get(parameter.name, Any), default)
        config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
        return create_model(f"{self.kind} {name}", __config__=config, **fields)

    def find_mistakes(
        self, name: object, settings: Mapping[str, Any], *, where: str, fields: Iterable[str] = ()
    ) -> list[Mistake]:
        """Return everything wrong with a name and its settings; an empty list if all is well.

        Args:
            name: the builder's name as the user wrote it.
            settings: the settings as the user wrote them.
            where: dotted place in the recipe, such as `model`.
            fields: names that may stand beside the settings.
        """
        if not isinstance(name, str) or name not in self:
            names = self.names()
            return [Mistake(f"{where}.name", repr(name), ", ".join(names), suggest(name, names))]
        settings_type = self.settings_type(name)
        try:
            validate_strictly(settings_type, settings)
        except ValidationError as error:
            allowed = {"": (*fields, *settings_type.model_fields)}
            return describe_pydantic_errors(error.errors(), where=where, fields=allowed)
        return []

    def resolve(self, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings with every default filled in, as plain values.

        Raises:
            UnknownNameError: nobody registered that name.
            LoupeError: a setting is unknown or out of range.
        """
        self._refuse_mistakes(name, settings)
        return validate_strictly(self.settings_type(name), settings).model_dump()

    def trim(self, name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that are not the default, as plain values.

        Raises:
            UnknownNameError: nobody registered that name.
            LoupeError: a setting is unknown or out of range.
        """
        self._refuse_mistakes(name, settings)
        typed = validate_strictly(self.settings_type(name), settings)
        return typed.model_dump(mode="json", exclude_defaults=True)

    def build(self, name: str, settings: Mapping[str, Any] | None = None, /, *args: Any, **given: Any) -> Any:
        """Build `name` from checked settings and what the bench gives; what it offers, if the builder asks.

        Raises:
            UnknownNameError: nobody registered that name.
            LoupeError: a setting is unknown or out of range.
        """
        builder = self.get(name)
        self._refuse_mistakes(name, settings or {})
        checked = validate_strictly(self.settings_type(name), settings or {})
        values = {field: getattr(checked, field) for field in type(checked).model_fields}
        named = inspect.signature(builder).parameters
        wanted = {name: value for name, value in given.items() if name not in self._offered or name in named}
        try:
            built = builder(*args, **wanted, **values)
        except LoupeError:
            raise
        except Exception as error:
            if not self.is_plugin(name):  # a fault of ours, or of the disk
                raise
            raise self.explain_failure(name, error) from error
        refuse_missing_methods(self.kind, self._methods, name, built, builder)
        return built

    def explain_failure(self, name: str, error: Exception) -> LoupeError:
        """Return what is to be said of an error that a builder raised, with its file and line."""
        builder = self.get(name)
        place = describe_place(builder, error)
        return LoupeError(
            f"Your own code broke off: {type(error).__name__} in the {self.kind} {name!r}, {place}.",
            got=f"{str(error).partition(chr(10))[0][:200] or type(error).__name__}",
            next_step="mend it there",
        )

    def _refuse_mistakes(self, name: str, settings: Mapping[str, Any]) -> None:
        self.get(name)
        mistakes = self.find_mistakes(name, settings, where=name)
        if mistakes:
            raise LoupeError(
                "\n  - ".join([f"The settings of {self.kind} {name!r} are not right:", *map(str, mistakes)]),
                next_step=f"`{self._list_command}` lists every {self.kind} and its settings",
            )

    def _refuse_reserved_settings(self, name: str, builder: Callable[..., Any]) -> None:
        if "name" in inspect.signature(builder).parameters and "name" not in self._given:
            raise LoupeError(
                f"{self.kind.capitalize()} {name!r} has a setting called `name`.",
                got=name_origin(builder),
                allowed="any other word: in a recipe, `name` says which one it is",
                next_step="rename the parameter",
            )

    def _refuse_what_nobody_gives(self, name: str, builder: Callable[..., Any]) -> None:
        """Check that each parameter without a default is given by the bench, or a setting with its type."""
        if not self._offered:
            return
        for one in inspect.signature(builder).parameters.values():
            is_open = one.default is one.empty and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
            if not is_open or one.name in self._given:
                continue
            is_array = any(kind in str(one.annotation) for kind in ("Tensor", "ndarray"))
            if one.annotation is one.empty or is_array:
                raise LoupeError(
                    f"{self.kind.capitalize()} {name!r} asks for what nobody gives.",
                    got=f"the parameter {one.name!r} ({describe_place(builder)})",
                    allowed=f"{', '.join(self._given)}; or a setting, annotated with its type",
                    nearest=suggest(one.name, self._given),
                    next_step="rename the parameter, or annotate it",
                )

    def _discover(self) -> None:
        if self._is_discovered:
            return
        self._is_discovered = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            if not module.name.startswith("_"):
                importlib.import_module(f"{self._package}.{module.name}")


def discover_all() -> None:
    """Import the built-in builders of every kind, once for all threads that come later."""
    for registry in list(REGISTRIES):
        registry.names()
