"""Turn public data sets, as downloaded, into crops and COCO keypoint files.

catalogue      the sets: name, description and public page
source         finds and reads the files of a download
record         one object: picture, points, the square to crop, split
faces          what the readers of faces share
readers        one file per set: its annotations to records
crop           crops the square and resizes it
keypoint_file  crops and points as the content of a COCO file
write          reads, crops in parallel and writes a folder that appears completely
"""
