"""Searches: settings tried out, judged by validation alone, the best few run again with fresh seeds.

What stands here needs no torch: the typed description of a search, a space of settings, a budget, and what is
looked for.
"""

from loupe.searches.describe_fields import describe_search_fields as describe_search_fields
from loupe.searches.files import list_searches as list_searches
from loupe.searches.files import read_search_file as read_search_file
from loupe.searches.reading import parse_search as parse_search
from loupe.searches.schema import Parameter as Parameter
from loupe.searches.schema import Search as Search
