package dev.smldist.app

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/** Lets an app that the user chose in the share sheet read a recording, and nothing else. */
internal class RecordingProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = TYPE

    override fun openFile(
        uri: Uri,
        mode: String,
    ): ParcelFileDescriptor {
        if (mode != "r") throw SecurityException("recordings are read only, asked for $mode")
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        arguments: Array<String>?,
        order: String?,
    ): Cursor {
        val file = file(uri)
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val cursor = MatrixCursor(columns, 1)
        val values =
            columns.map {
                when (it) {
                    OpenableColumns.DISPLAY_NAME -> file.name
                    OpenableColumns.SIZE -> file.length()
                    else -> null
                }
            }
        cursor.addRow(values)
        return cursor
    }

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri = throw SecurityException("recordings are read only")

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        arguments: Array<String>?,
    ): Int = throw SecurityException("recordings are read only")

    override fun delete(
        uri: Uri,
        selection: String?,
        arguments: Array<String>?,
    ): Int = throw SecurityException("recordings are read only")

    /** By name among the finished ones, so that no path leads elsewhere. */
    private fun file(uri: Uri): File {
        val recordings = (checkNotNull(context).applicationContext as DemoApp).recordings
        return recordings.files.find { it.name == uri.lastPathSegment }
            ?: throw FileNotFoundException("no recording at $uri")
    }

    companion object {
        const val TYPE: String = "text/csv"

        /** The address of a recording; the authority is the manifest's, `${applicationId}.recordings`. */
        fun address(
            context: Context,
            file: File,
        ): Uri =
            Uri
                .Builder()
                .scheme("content")
                .authority("${context.packageName}.recordings")
                .appendPath(file.name)
                .build()
    }
}
