# Embeds core/license/data/ in dml_core: the five JSON files become one license list document (see
# license_list.h), written as raw string literals by EmbedLicenseData.cmake.
set(license_data_dir ${CMAKE_CURRENT_LIST_DIR}/data)
set(license_data_cc ${CMAKE_CURRENT_BINARY_DIR}/license/license_data.cc)
add_custom_command(
  OUTPUT ${license_data_cc}
  COMMAND ${CMAKE_COMMAND} -DDATA_DIR=${license_data_dir} -DOUTPUT=${license_data_cc}
          -P ${CMAKE_CURRENT_LIST_DIR}/EmbedLicenseData.cmake
  DEPENDS ${CMAKE_CURRENT_LIST_DIR}/EmbedLicenseData.cmake
          ${license_data_dir}/spdx-license-ids.json
          ${license_data_dir}/spdx-license-ids-deprecated.json
          ${license_data_dir}/spdx-exceptions.json
          ${license_data_dir}/spdx-exceptions-deprecated.json
          ${license_data_dir}/spdx-ranges.json
  COMMENT "Embedding the license list"
  VERBATIM)
target_sources(dml_core PRIVATE ${license_data_cc})
