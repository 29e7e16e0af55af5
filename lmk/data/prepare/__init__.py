"""Public data sets, as they are downloaded, to crops and COCO keypoint files.

    catalogue      the sets: name, what it is, where it comes from
    source         finds and opens the files of a download
    mpii, mtfl...  one reader a set: its annotations to records
    record         a record: picture, points, the square to cut out, split
    crop           the square, cut out and resized
    write          every crop and the COCO files, in a folder that appears whole

Data flows down the list, except that `write` calls the reader.
"""
