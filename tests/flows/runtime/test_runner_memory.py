import gc

from flows.runtime.runner import collect_garbage_often


def test_what_was_there_at_the_start_does_not_put_collections_off() -> None:
    try:
        collect_garbage_often()
        assert gc.get_freeze_count() > 1000
        assert len(gc.get_objects()) < 1000
    finally:
        gc.unfreeze()
