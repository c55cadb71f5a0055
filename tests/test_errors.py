from loupe.errors import LoupeError, UnknownNameError, suggest


def test_suggest_finds_the_nearest_name_whatever_its_case() -> None:
    assert suggest("Fashion-MNST", ["cifar10", "fashion-mnist"]) == "fashion-mnist"
    assert suggest("zebra", ["cifar10", "fashion-mnist"]) is None
    assert suggest(7, ["7", "8"]) == "7"


def test_an_error_says_what_was_got_what_is_allowed_and_what_to_do() -> None:
    error = LoupeError(
        "The soup is cold.", got="12 °C", allowed="60 to 80 °C", nearest="60 °C", next_step="heat it"
    )
    assert str(error) == (
        "The soup is cold.\n  got: 12 °C\n  allowed: 60 to 80 °C\n  did you mean: 60 °C\n  next: heat it"
    )


def test_an_error_leaves_out_what_it_does_not_know() -> None:
    assert str(LoupeError("The soup is cold.", got=0)) == "The soup is cold.\n  got: 0"


def test_an_unknown_name_lists_the_known_ones() -> None:
    error = UnknownNameError("soup", "tomatto", ["tomato", "leek"], "look at the card")
    assert str(error) == (
        "There is no soup called 'tomatto'.\n  got: tomatto\n  allowed: leek, tomato\n"
        "  did you mean: tomato\n  next: look at the card"
    )


def test_an_error_is_part_of_a_sentence() -> None:
    assert LoupeError("The soup is cold.", got=12).tell_briefly() == "The soup is cold: 12"
    assert LoupeError("There is no soup 'x'.", got="x").tell_briefly() == "There is no soup 'x'"
    assert LoupeError("The soup is cold.").tell_briefly() == "The soup is cold"
