"""A recipe: the typed, immutable description of a run, read from TOML and written back as TOML.

Only the form is checked here (fields, types, ranges). Whether a named model or augmentation exists,
and whether its settings fit, is checked where those are known: `loupe.running.prepare`.
No torch here.
"""

from loupe.recipe.describe import describe_fields as describe_fields
from loupe.recipe.files import list_recipes as list_recipes
from loupe.recipe.files import name_recipe as name_recipe
from loupe.recipe.files import read_recipe_file as read_recipe_file
from loupe.recipe.former_names import read_former_names as read_former_names
from loupe.recipe.former_names import write_former_names as write_former_names
from loupe.recipe.reading import apply_overrides as apply_overrides
from loupe.recipe.reading import find_form_mistakes as find_form_mistakes
from loupe.recipe.reading import list_overrides as list_overrides
from loupe.recipe.reading import name_mapping as name_mapping
from loupe.recipe.reading import parse_override as parse_override
from loupe.recipe.reading import parse_recipe as parse_recipe
from loupe.recipe.reading import read_toml as read_toml
from loupe.recipe.reading import set_value as set_value
from loupe.recipe.schema import Recipe as Recipe
