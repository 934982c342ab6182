"""Why a whole file is refused."""

from http import HTTPStatus

from neighborhood_api.kit.problems import Problem


class UnreadableTable(Problem):
    """The file cannot be read as a table; `detail` says in Chinese what to do."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The file cannot be read as a table"
    message = "这个文件读不出表格，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新上传"


class TableFileTooLarge(UnreadableTable):
    """The file, or what it unpacks to, is larger than is read."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "The file holds more than is read at a time"
    message = "文件太大，请拆成几个文件分别上传"


class OldWorkbook(UnreadableTable):
    """An Excel 97 file (.xls) or one of another program."""

    title = "Workbooks of this age or program are not read"
    message = "这种格式读不了，请用 Excel 或 WPS 打开，另存为“Excel 工作簿（.xlsx）”后重新上传"


class LockedWorkbook(UnreadableTable):
    """The workbook is encrypted."""

    title = "The workbook is protected by a password"
    message = "文件有打开密码，请去掉密码、保存后重新上传"


class DamagedWorkbook(UnreadableTable):
    """The workbook is not as a workbook is built."""

    title = "The workbook is damaged"
    message = "文件已损坏，请用 Excel 或 WPS 打开，另存为新的 .xlsx 文件后重新上传"


class SuspiciousWorkbook(UnreadableTable):
    """The workbook is built to harm its reader."""

    title = "The workbook holds what no spreadsheet writes"
    message = "文件内容异常，没有读取；请把数据复制到新建的 Excel 文件里再上传"


class TakesTooLong(UnreadableTable):
    """Reading takes longer than any table of so many rows should."""

    title = "The file takes too long to read"
    message = "文件读取时间过长，请删去多余的格式和空白内容，或拆成几个文件后重新上传"


class TooManyColumns(UnreadableTable):
    """A line has more columns than any office's table."""

    title = "The sheet has too many columns"
    message = "表格的列太多，请删去多余的列后重新上传"


class TooManyRows(UnreadableTable):
    """The sheet has more lines than a spreadsheet holds."""

    title = "The sheet has too many rows"
    message = "表格的行太多，请拆成几个文件分别上传"


class WrongEncoding(UnreadableTable):
    """The text is in no encoding that is read, or in several."""

    title = "The text file is not in one known encoding"
    message = "文字编码有误，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新上传"


class WrongText(UnreadableTable):
    """The text file is no table: quotes without end, bytes that are no text."""

    title = "The text file cannot be split into columns"
    message = "文本表格格式有误，请用 Excel 或 WPS 打开，另存为 .xlsx 后重新上传"


class NothingToRead(UnreadableTable):
    """No sheet of the file is of a known kind."""

    title = "No sheet of the file could be understood"
    message = "没有找到可以导入的表，请下载模板，按模板的表头填写"
