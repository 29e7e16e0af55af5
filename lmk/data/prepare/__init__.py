"""Public data sets, as they are downloaded, to crops and COCO keypoint files.

catalogue      the sets: name, what it is, where it comes from
source         finds and opens the files of a download
record         one object: picture, points, the square to cut out, split
mpii, lsp ...  one reader a set: its annotations to records
crop           the square, cut out and resized
keypoint_file  crops and points as COCO's content
write          reads, cuts in parallel and writes a folder that appears whole
"""
