"""One module per theme: `orders(world, month)` says what its offices send, `DEFECTS` what goes wrong in
it.
"""

from citylake.synthetic.themes import components, credit, environment, macro, population, weather

THEMES = (population, credit, environment, weather, components, macro)
