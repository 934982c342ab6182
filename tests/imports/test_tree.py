"""Finding places by their names, also where many have the same one."""

from neighborhood_api.identity.places import Level, Place
from neighborhood_api.imports.tree import Naming, Spot, Tree
from neighborhood_api.kit.ids import new_id


def spot(level: Level, name: str, code: str, above: Spot | None = None) -> Spot:
    own = new_id()
    place = Place.of(own) if above is None else Place.of(*above.place[: above.level + 1], own)
    parent = None if above is None else above.id
    return Spot(own, level, "", code, name, parent, place)


def named(*names: str | None, place: str | None = None) -> Naming:
    return Naming(tuple((name, None) for name in names), place)


def test_a_building_is_found_among_thousands_of_the_same_name() -> None:
    root = spot(Level.DISTRICT, "县", "0")
    tree = Tree(root)
    tree.add(root)
    streets = [spot(Level.STREET, f"{n}街道", f"s{n}", root) for n in range(10)]
    for one in streets:
        tree.add(one)
    wanted = {}
    for number in range(8_000):
        street = streets[number % 10]
        community = spot(Level.COMMUNITY, f"{number}社区", f"c{number}", street)
        grid = spot(Level.GRID, "一网格", f"g{number}", community)
        building = spot(Level.LANE, "1栋", f"b{number}", grid)
        for one in (community, grid, building):
            tree.add(one)
        wanted[community.name] = building
        if number == 20:
            assert tree.find(named(None, None, "20社区", None, "1栋")).spot is building

    for name, building in wanted.items():
        assert tree.find(named(None, None, name, "一网格", "1栋")).spot is building
        assert tree.find(named(None, None, name, None, None, place="1栋")).spot is building
    for n in range(8_000):
        assert "多处同名" in tree.find(named(None, f"{n % 10}街道", None, None, "1栋")).fault
        assert "没有找到" in tree.find(named(None, None, "无", "一网格", "1栋")).fault


def test_a_place_that_got_another_name_is_found_by_both() -> None:
    root = spot(Level.DISTRICT, "县", "0")
    tree = Tree(root)
    street = spot(Level.STREET, "旧街道", "1", root)
    community = spot(Level.COMMUNITY, "社区", "2", street)
    for one in (root, street, community):
        tree.add(one)
    tree.rename(street, "新街道")
    for name in ("旧街道", "新街道"):
        assert tree.find(named(None, name)).spot is street
        assert tree.find(named(None, name, "社区")).spot is community
    assert tree.child(root, "新街道") == [street]
    assert tree.child(root, "旧街道") == []
