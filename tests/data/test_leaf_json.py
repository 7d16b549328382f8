import json

import numpy as np
import pytest
from published_files import leaf_content, random_images, write_leaf

from flsec.data import leaf_json
from flsec.data.errors import DataFileError

_IMAGES = random_images(6, (784,))


def test_users_of_all_files_come_by_name(tmp_path):
  write_leaf(tmp_path / 'b.json', {'f2': (_IMAGES[:2], [1, 2])})
  write_leaf(
    tmp_path / 'a.json',
    {'f9': (_IMAGES[2:3], [3]), 'f1': (_IMAGES[3:5], [4, 5])},
  )
  (tmp_path / 'README').write_text('not data')
  split = leaf_json.read_folder(tmp_path, only_digits=True)
  np.testing.assert_array_equal(split.y, [4, 5, 1, 2, 3])
  np.testing.assert_array_equal(split.writers, [0, 0, 1, 1, 2])
  np.testing.assert_array_equal(
    split.x, _IMAGES[[3, 4, 0, 1, 2]].reshape(5, 28, 28, 1)
  )


def test_only_digits_drops_letters_and_users_without_digits(tmp_path):
  users = {'f1': (_IMAGES[:3], [10, 9, 61]), 'f2': (_IMAGES[3:4], [36])}
  write_leaf(tmp_path / 'a.json', users)
  digits = leaf_json.read_folder(tmp_path, only_digits=True)
  np.testing.assert_array_equal(digits.y, [9])
  np.testing.assert_array_equal(digits.x.ravel(), _IMAGES[1])
  everything = leaf_json.read_folder(tmp_path, only_digits=False)
  np.testing.assert_array_equal(everything.y, [10, 9, 61, 36])
  np.testing.assert_array_equal(everything.writers, [0, 0, 0, 1])


def _refuses(tmp_path, content, message):
  path = tmp_path / 'a.json'
  path.write_text(content if isinstance(content, str) else json.dumps(content))
  with pytest.raises(DataFileError, match=message) as error:
    leaf_json.read_folder(tmp_path, only_digits=True)
  assert str(path) in str(error.value)
  assert 'preprocess.sh' in str(error.value)


def test_refuses_a_missing_user(tmp_path):
  content = leaf_content({'f1': (_IMAGES[:1], [1]), 'f2': (_IMAGES[:1], [2])})
  del content['user_data']['f2']
  _refuses(tmp_path, content, 'user f2 is listed but missing from user_data')


def test_refuses_truncated_json(tmp_path):
  text = json.dumps(leaf_content({'f1': (_IMAGES[:1], [1])}))
  _refuses(tmp_path, text[:-30], 'truncated or not')


@pytest.mark.parametrize('content', [{'users': []}, [1, 2], {}])
def test_refuses_other_json(tmp_path, content):
  _refuses(tmp_path, content, "truncated or not LEAF's JSON")


def test_refuses_a_wrong_count(tmp_path):
  content = leaf_content({'f1': (_IMAGES[:2], [1, 2])})
  content['num_samples'] = [3]
  _refuses(tmp_path, content, 'user f1 has 2 examples, not 3')
  content['num_samples'] = [2, 2]
  _refuses(tmp_path, content, '1 users and 2 num_samples')


def test_refuses_images_of_another_shape(tmp_path):
  content = leaf_content({'f1': (_IMAGES[:2], [1, 2])})
  content['user_data']['f1']['x'][1].pop()
  _refuses(tmp_path, content, 'user f1 has no valid x and y')
  del content['user_data']['f1']['y']
  _refuses(tmp_path, content, 'user f1 has no valid x and y')


def test_refuses_a_user_in_two_files(tmp_path):
  write_leaf(tmp_path / 'a.json', {'f1': (_IMAGES[:1], [1])})
  write_leaf(tmp_path / 'b.json', {'f1': (_IMAGES[:1], [1])})
  with pytest.raises(DataFileError, match='user f1 is in another file too'):
    leaf_json.read_folder(tmp_path, only_digits=True)


def test_refuses_a_folder_without_files_or_digits(tmp_path):
  with pytest.raises(DataFileError, match=r'holds no .json file'):
    leaf_json.read_folder(tmp_path, only_digits=True)
  write_leaf(tmp_path / 'a.json', {'f1': (_IMAGES[:1], [11])})
  with pytest.raises(DataFileError, match='holds no digit'):
    leaf_json.read_folder(tmp_path, only_digits=True)
