"""The typed description of a search: a space of settings, a budget, and what is looked for."""

from loupe.search.describe import describe_search_fields as describe_search_fields
from loupe.search.files import list_searches as list_searches
from loupe.search.files import read_search_file as read_search_file
from loupe.search.reading import parse_search as parse_search
from loupe.search.schema import Parameter as Parameter
from loupe.search.schema import Search as Search
