"""One run: prepared, set up, trained, evaluated, recorded."""

from loupe.running.observing import RunObserver as RunObserver
from loupe.running.prepare import load_recipe as load_recipe
from loupe.running.run import run_recipe as run_recipe
from loupe.running.seeds import run_seeds as run_seeds
from loupe.running.starting import carry_out as carry_out
from loupe.running.starting import find_recipe_to_continue as find_recipe_to_continue
from loupe.running.starting import is_finished as is_finished
from loupe.running.starting import load_recipe_of as load_recipe_of
from loupe.running.starting import make_run_folder as make_run_folder
from loupe.running.starting import resume as resume
from loupe.running.starting import start_run as start_run
from loupe.running.starting import train as train
